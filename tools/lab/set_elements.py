"""Adds elements to and deletes them from one nftables set by a netlink message of our own.

The nftables library reads the tables back before each change; on a busy machine that makes a cut late now and
then. Here a change is one message written and one acknowledgement read.
"""

import os
import socket
import struct

from tools.lab.network_namespace import NetworkNamespace

_NETLINK_NETFILTER = 12
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_CREATE = 0x1, 0x4, 0x400
_NLMSG_ERROR = 2
_NFNL_MSG_BATCH_BEGIN, _NFNL_MSG_BATCH_END = 0x10, 0x11
_NFNL_SUBSYS_NFTABLES = 10
_NFT_MSG_NEWSETELEM, _NFT_MSG_DELSETELEM = 12, 14
_NFPROTO_UNSPEC, _NFPROTO_BRIDGE = 0, 7
_NLA_F_NESTED = 0x8000
_IFNAMSIZ = 16
# Numbers of enum nft_set_elem_list_attributes, nft_list_attributes, nft_set_elem_attributes, nft_data_attributes.
_LIST_TABLE, _LIST_SET, _LIST_ELEMENTS = 1, 2, 3
_LIST_ELEM, _ELEM_KEY, _DATA_VALUE = 1, 1, 1

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port


def _attribute(kind: int, payload: bytes) -> bytes:
    data = struct.pack("=HH", 4 + len(payload), kind) + payload
    return data + bytes(-len(data) % 4)


def _message(kind: int, flags: int, family: int, resource: int, payload: bytes = b"") -> bytes:
    # nfgenmsg: the resource is in network order.
    body = struct.pack("=BB", family, 0) + struct.pack("!H", resource) + payload
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | _NLM_F_REQUEST, 0, 0) + body


class SetElements:
    """The set's keys are interface names, its family is bridge. Threading: one thread at a time."""

    def __init__(self, namespace: NetworkNamespace, table: str, name: str) -> None:
        with namespace.entered():
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._set = _attribute(_LIST_TABLE, table.encode() + b"\0") + _attribute(_LIST_SET, name.encode() + b"\0")

    def add(self, keys: list[str]) -> bytes:
        """The message for send()."""
        return self._batch(_NFT_MSG_NEWSETELEM, _NLM_F_CREATE, keys)

    def delete(self, keys: list[str]) -> bytes:
        return self._batch(_NFT_MSG_DELSETELEM, 0, keys)

    def send(self, batch: bytes) -> None:
        """One transaction: in effect when this returns. Raises OSError if the kernel refused it."""
        self._socket.send(batch)
        answer = self._socket.recv(65536)
        kind = struct.unpack_from("=H", answer, 4)[0]
        error = struct.unpack_from("=i", answer, _HEADER.size)[0] if kind == _NLMSG_ERROR else 0
        if error != 0:
            raise OSError(-error, f"nftables set: {os.strerror(-error)}")

    def _batch(self, operation: int, flags: int, keys: list[str]) -> bytes:
        elements = b""
        for key in keys:
            value = _attribute(_DATA_VALUE, key.encode().ljust(_IFNAMSIZ, b"\0"))
            elements += _attribute(_LIST_ELEM | _NLA_F_NESTED, _attribute(_ELEM_KEY | _NLA_F_NESTED, value))
        payload = self._set + _attribute(_LIST_ELEMENTS | _NLA_F_NESTED, elements)
        change = _message(_NFNL_SUBSYS_NFTABLES << 8 | operation, flags | _NLM_F_ACK, _NFPROTO_BRIDGE, 0, payload)
        return b"".join([
            _message(_NFNL_MSG_BATCH_BEGIN, 0, _NFPROTO_UNSPEC, _NFNL_SUBSYS_NFTABLES),
            change,
            _message(_NFNL_MSG_BATCH_END, 0, _NFPROTO_UNSPEC, _NFNL_SUBSYS_NFTABLES),
        ])

    def close(self) -> None:
        self._socket.close()
