"""The admin page's files, as a browser gets them. What it shows: tests/lab/test_page.py."""

import pathlib
import re

from tests.harness.case import LocalCase
from tests.harness.http1 import request
from tests.harness.openapi import OpenApi
from tests.harness.peerpulse import Peer, parse_time

_PAGE = pathlib.Path(__file__).resolve().parents[2] / "src/admin/page"


class PageFiles(LocalCase):
    def setUp(self):
        super().setUp()
        self.peerpulse = self.start_peerpulse(self.host, [Peer("node2", "127.0.0.1:1")])

    def get(self, path: str, **headers: str):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.host, self.peerpulse.admin, "GET", path, b"", fields)

    def test_they_are_those_of_the_source(self):
        files = {path.name: path.read_bytes() for path in _PAGE.iterdir()}
        self.assertGreater(len(files), 3)
        self.assertEqual({name: self.get("/page/" + name).body for name in files}, files)
        self.assertEqual(self.get("/", Accept="text/html").body, files["index.html"])

    def test_they_name_each_other_and_nothing_else(self):
        """Whatever they load or link to is a file of theirs or a path of this admin."""
        known = {"/page/" + path.name for path in _PAGE.iterdir()}
        for path in _PAGE.iterdir():
            text = path.read_text(encoding="utf-8")
            with self.subTest(file=path.name):
                self.assertEqual(set(re.findall(r"https?://[^\"' )]+", text)) - {"http://www.w3.org/2000/svg"}, set())
                self.assertNotRegex(text, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function")
                imported = {f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', text)}
                self.assertLessEqual(imported | set(re.findall(r'"(/page/[^"]+)"', text)), known)
        index = (_PAGE / "index.html").read_text(encoding="utf-8")
        self.assertNotRegex(index, r"<style|style=|\son\w+=|<script(?![^>]*src=)")
        for path in re.findall(r'href="(/[^"]*)"', index):
            self.assertEqual(self.get(path).status, 200, path)

    def test_the_list_has_every_path(self):
        listed = self.get("/").body.decode()
        described = OpenApi()
        for path in described.paths:
            if not described.is_api(path) and path != "/page/{file}":
                self.assertRegex(listed, "(?m)^" + re.escape(path.replace("{name}", "NAME")) + " ")

    def test_peers_say_when(self):
        before = self.peerpulse.get("/peers").json()["at"]
        self.assertLess(parse_time(before), parse_time(self.peerpulse.get("/peers").json()["at"]))
