"""Switches off what a network device would leave to hardware, so that every frame on it is complete.

Between veth devices the kernel passes segments of up to 64 KiB with their checksums not yet computed. A program that
takes frames off one device and puts them on another would lose both properties. `ethtool -K` does the same, but is
not everywhere.
"""

import array
import fcntl
import socket
import struct

from tools.lab.network_namespace import NetworkNamespace

_SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO. Checksums first: the others depend on them.
_SWITCHES = (0x17, 0x1F, 0x24, 0x2C)


def switch_off_offloads(namespace: NetworkNamespace, device: str) -> None:
    with namespace.entered():
        control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with control:
        for switch in _SWITCHES:
            value = array.array("B", struct.pack("=II", switch, 0))  # ethtool_value
            request = struct.pack("=16sQ8x", device.encode(), value.buffer_info()[0])  # ifreq
            fcntl.ioctl(control, _SIOCETHTOOL, request)
