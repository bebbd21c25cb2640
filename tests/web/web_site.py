"""Pages of a project on a real port of 127.0.0.1, and asking for them as a browser or a program does."""

import asyncio
import http.client
import json
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from web_seed import CONFIG, NOW

from volant.access.model import Role
from volant.access.tokens import TokenBook, Tokens
from volant.server import login
from volant.server.addresses import listen
from volant.server.app import App
from volant.server.guard import Guard
from volant.server.listening import HttpServer, loop_factory
from volant.server.live import Live
from volant.server.metrics import ControlMetrics
from volant.server.table import RouteTable
from volant.testing.clock import CountingIds, FakeClock
from volant.web.pages import error_page, routes
from volant.wiring.changes import Changes
from volant.wiring.project import Project
from volant.wiring.stores import memory_stores, sqlite_stores


def new_project(folder, *, config=CONFIG, now=NOW, on_disk=False):
    clock, ids = FakeClock(now), CountingIds()
    stores = sqlite_stores(folder / ".volant", clock, ids) if on_disk else memory_stores(clock, ids)
    return Project(folder, config, stores, clock=clock, ids=ids, environment={})


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Site:
    """A running site. ``secrets`` are tokens by role where it asks for them."""

    def __init__(self, project, port, table, secrets):
        self.project, self.port, self.table, self.secrets = project, port, table, secrets
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path, *, role=None, accept="text/html", **headers):
        return self._ask("GET", path, None, {"accept": accept, **self._bearing(role), **headers})

    def post(self, path, fields, *, role=None, origin="own", **headers):
        head = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded", **self._bearing(role), **headers}
        if origin is not None:
            head["origin"] = self.url if origin == "own" else origin
        return self._ask("POST", path, urlencode(fields), head)

    def _bearing(self, role):
        return {} if role is None else {"authorization": f"Bearer {self.secrets[role]}"}

    def _ask(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@contextmanager
def site_of(project, *, asks=False):
    secrets, book = {}, TokenBook(project.clock)
    if asks:
        tokens = Tokens(project.tokens, project.clock)
        secrets = {role: tokens.create(role.value, role)[1] for role in Role}
        book.replace(tokens.live())
    declared = [route for route in login.routes(book) if (route.method, route.path) != ("GET", "/login")]
    live = Live(Changes(project).look, project.clock, round_seconds=0.05)
    table = RouteTable([*routes(project), *declared, live.route()])
    guard = Guard(book, asks=asks, hosts=frozenset({"127.0.0.1"}))
    app = App(table, guard, ControlMetrics(), error_page=error_page(project))
    with listen("127.0.0.1", 0) as listener:
        port, started, ended = listener.getsockname()[1], threading.Event(), threading.Event()
        thread = threading.Thread(target=_serve, args=(app, live, listener, started, ended), daemon=True)
        thread.start()
        assert started.wait(60)
        try:
            yield Site(project, port, table, secrets)
        finally:
            ended.set()
            thread.join(20)
            app.close()


def _serve(app, live, listener, started, ended):
    async def run():
        telling = asyncio.create_task(live.run())
        server = HttpServer(app, started.set, stopping=live.close)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.to_thread(ended.wait)
        server.stop()
        await task
        telling.cancel()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())


class Page(HTMLParser):
    """What a page's markup consists of: links, tags, attributes, and the text that people see."""

    def __init__(self, text):
        super().__init__()
        self.links, self.tags, self.attributes, self.seen, self.forms = [], [], [], [], []
        self._in_script = False
        self.inline_scripts = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes += found
        self._in_script = tag == "script"
        if tag == "script" and "src" not in found and found.get("type") != "application/json":
            self.inline_scripts.append(found)
        if tag == "form":
            self.forms.append(found)
        if tag == "a" and "href" in found:
            self.links.append(found["href"])

    def handle_endtag(self, tag):
        self._in_script = False if tag == "script" else self._in_script

    def handle_data(self, data):
        if not self._in_script:
            self.seen.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.seen).split())


def crawl(site, start="/", *, role=None, limit=400):
    """Every page that links lead to, by address: where a link leads to nothing the status says so."""
    found, todo = {}, [start]
    while todo and len(found) < limit:
        path = todo.pop()
        if path in found:
            continue
        found[path] = site.get(path, role=role)
        if "html" not in found[path].headers.get("content-type", ""):
            continue
        for link in Page(found[path].text).links:
            target = urlsplit(link)
            if target.netloc or target.path.startswith("/api/") or link.startswith("#"):
                continue
            base = urlsplit(path).path if not target.path else target.path
            todo.append(base + (f"?{target.query}" if target.query else ""))
    return found
