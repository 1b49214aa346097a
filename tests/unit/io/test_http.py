"""HTTP against a real server that misbehaves: every failure has its words, and no credential strays."""

from __future__ import annotations

import base64
import gzip
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from safepip.errors import BadInput, IndexFault, NetworkFault, SafepipError
from safepip.io.http import Http, Response
from safepip.io.netfaults import LONGEST_WAIT, parse_retry_after
from safepip.io.pools import Proxies, is_loopback, tls_context
from safepip.model.ident import Url
from tests.unit.io.edges import an_http
from tests.world import Fault, World, WorldServer
from tests.world.tls import Tls, make_tls

PAGE = "/simple/demo/"
FILE = "/files/demo-1.0-py3-none-any.whl"


@pytest.fixture
def server() -> Iterator[WorldServer]:
    world = World(compression=False)
    world.publish("demo", "1.0")
    with WorldServer(world) as running:
        yield running


@pytest.fixture
def http() -> Iterator[Http]:
    with an_http() as made:
        yield made


def get(http: Http, url: Url, *, limit: int = 1 << 20) -> Response:
    return http.get(url, accept="*/*", headers={}, limit=limit)


def fault_of(http: Http, server: WorldServer, fault: Fault, *, limit: int = 1 << 20) -> SafepipError:
    server.fail(PAGE, fault)
    with pytest.raises((IndexFault, NetworkFault)) as caught:
        get(http, server.address(PAGE), limit=limit)
    assert caught.value.message.endswith(".")
    return caught.value


class TestAnswers:
    def test_an_honest_answer(self, http: Http, server: WorldServer) -> None:
        response = get(http, server.address(PAGE))
        assert response.status == 200
        assert response.headers["content-type"].startswith("application/vnd.pypi.simple.v1+json")
        assert b'"demo"' in response.body
        assert response.final_url == server.address(PAGE)

    def test_connections_are_used_again(self, http: Http, server: WorldServer) -> None:
        for _ in range(5):
            get(http, server.address(PAGE))
        get(http, server.address("/simple/absent/"))
        assert server.connections == 1

    def test_bodies_are_decompressed(self, http: Http, server: WorldServer) -> None:
        plain = get(http, server.address(PAGE)).body
        server.world.main.compression = True
        compressed = get(http, server.address(PAGE))
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.body == plain

    @pytest.mark.parametrize("status", [304, 400, 404, 405, 406, 410, 416])
    def test_statuses_that_a_caller_can_act_on(self, http: Http, server: WorldServer, status: int) -> None:
        server.fail(PAGE, Fault(status=status, body=b""))
        assert get(http, server.address(PAGE)).status == status

    @pytest.mark.parametrize(
        ("status", "reference"),
        [
            (401, "unauthorised"),
            (403, "forbidden"),
            (407, "unauthorised"),
            (429, "index-failing"),
            (500, "index-failing"),
            (502, "index-failing"),
            (503, "index-failing"),
            (599, "index-failing"),
        ],
    )
    def test_statuses_that_are_no_answer(self, http: Http, server: WorldServer, status: int, reference: str) -> None:
        fault = fault_of(http, server, Fault(status=status))
        assert isinstance(fault, IndexFault)
        assert fault.reference == reference
        assert fault.hint


class TestBrokenAnswers:
    def test_truncated(self, http: Http, server: WorldServer) -> None:
        fault = fault_of(http, server, Fault(truncate=10))
        assert isinstance(fault, NetworkFault)
        assert fault.reference == "truncated"

    def test_truncated_to_nothing(self, http: Http, server: WorldServer) -> None:
        assert fault_of(http, server, Fault(truncate=0)).reference == "truncated"

    def test_what_comes_beyond_the_announced_length_is_not_part_of_any_answer(
        self, http: Http, server: WorldServer
    ) -> None:
        honest = get(http, server.address(PAGE)).body
        smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        server.fail(PAGE, Fault(excess=smuggled, times=1))
        assert get(http, server.address(PAGE)).body == honest
        assert get(http, server.address(PAGE)).body == honest

    def test_too_large_by_announcement(self, http: Http, server: WorldServer) -> None:
        assert fault_of(http, server, Fault(body=b"x" * 101), limit=100).reference == "response-too-large"

    def test_exactly_large_enough(self, http: Http, server: WorldServer) -> None:
        server.fail(PAGE, Fault(body=b"x" * 100))
        assert len(get(http, server.address(PAGE), limit=100).body) == 100

    def test_too_large_once_decompressed(self, http: Http, server: WorldServer) -> None:
        server.world.main.compression = True
        for number in range(200):
            server.world.publish("demo", f"2.{number}")
        compressed = len(get(http, server.address(PAGE)).body) // 4
        assert fault_of(http, server, Fault(), limit=compressed).reference == "response-too-large"

    @pytest.mark.parametrize("times", [1, 2])
    def test_what_unpacks_to_much_more_never_fills_the_memory(
        self, http: Http, server: WorldServer, times: int
    ) -> None:
        body = b" " * (64 << 20)
        for _ in range(times):
            body = gzip.compress(body)
        headers = {"Content-Encoding": ", ".join(["gzip"] * times)}
        tracemalloc.start()
        try:
            fault = fault_of(http, server, Fault(body=body, headers=headers), limit=1 << 20)
            assert tracemalloc.get_traced_memory()[1] < 16 << 20
        finally:
            tracemalloc.stop()
        assert fault.reference == "response-too-large"

    def test_compressed_rubbish(self, http: Http, server: WorldServer) -> None:
        fault = fault_of(http, server, Fault(body=b"rubbish", headers={"Content-Encoding": "gzip"}))
        assert fault.reference == "undecodable"

    def test_slow_drip(self, server: WorldServer) -> None:
        with an_http(patience=0.2) as http:
            begun = time.monotonic()
            fault = fault_of(http, server, Fault(drip=0.02))
            assert time.monotonic() - begun < 2
        assert fault.reference == "response-too-slow"

    def test_silence(self, server: WorldServer) -> None:
        with an_http(timeout=0.1) as http:
            fault = fault_of(http, server, Fault(delay=0.6))
        assert fault.reference == "timeout"

    def test_a_connection_that_just_ends(self, http: Http, server: WorldServer) -> None:
        assert fault_of(http, server, Fault(drop=True)).reference == "connection-broken"

    def test_nobody_listens(self, http: Http) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            with pytest.raises(NetworkFault, match="refused") as caught:
                get(http, Url(f"http://127.0.0.1:{port}/simple/"))
        assert caught.value.reference == "unreachable"

    def test_a_name_that_nobody_knows(self, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(NetworkFault, match=r"The name 'nowhere.invalid' cannot be resolved") as caught:
            get(http, Url("https://nowhere.invalid/simple/"))
        assert caught.value.reference == "unknown-host"

    def test_no_http_at_all(self, http: Http) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def speak() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(100)
                    connection.sendall(b"220 mail.example ESMTP\r\n")

            speaker = threading.Thread(target=speak)
            speaker.start()
            with pytest.raises(NetworkFault):
                get(http, Url(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
            speaker.join()


class TestRetries:
    @pytest.mark.parametrize(
        "fault", [Fault(status=503, times=2), Fault(drop=True, times=2), Fault(truncate=5, times=2)]
    )
    def test_what_passes_is_tried_again(self, server: WorldServer, fault: Fault) -> None:
        server.fail(PAGE, fault)
        with an_http(retries=2) as http:
            assert get(http, server.address(PAGE)).status == 200
        assert len(server.requests) == 3

    def test_not_for_ever(self, server: WorldServer) -> None:
        with an_http(retries=2) as http:
            assert fault_of(http, server, Fault(status=503)).reference == "index-failing"
        assert len(server.requests) == 3

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_what_does_not_pass_is_not(self, server: WorldServer, status: int) -> None:
        server.fail(PAGE, Fault(status=status))
        with an_http(retries=3) as http:
            try:
                assert get(http, server.address(PAGE)).status == 404
            except IndexFault:
                assert status != 404
        assert len(server.requests) == 1

    def test_retry_after_is_obeyed(self, server: WorldServer) -> None:
        server.fail(PAGE, Fault(status=429, headers={"Retry-After": "1"}, times=1))
        with an_http(retries=1) as http:
            begun = time.monotonic()
            get(http, server.address(PAGE))
            assert time.monotonic() - begun >= 1

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, None),
            ("3", 3.0),
            ("999999999999", LONGEST_WAIT),
            ("Thu, 01 Jan 1970 00:00:10 GMT", 10.0),
            ("Thu, 01 Jan 2099 00:00:10 GMT", LONGEST_WAIT),
            ("Wed, 31 Dec 1969 23:59:00 GMT", 0.0),
            ("soon", None),
            ("-1", None),
            ("٣", None),
        ],
    )
    def test_what_retry_after_says(self, value: str | None, expected: float | None) -> None:
        assert parse_retry_after(value, 0.0) == expected


class TestRedirects:
    def test_followed(self, http: Http, server: WorldServer) -> None:
        server.fail("/simple/Demo/", Fault(redirect="demo", status=301))
        server.fail("/simple/Demo/demo", Fault(redirect=PAGE, status=307))
        response = get(http, server.address("/simple/Demo/"))
        assert response.status == 200
        assert response.final_url == server.address(PAGE)
        assert server.connections == 1

    def test_not_without_end(self, http: Http, server: WorldServer) -> None:
        fault = fault_of(http, server, Fault(redirect=PAGE))
        assert isinstance(fault, IndexFault)
        assert fault.reference == "redirect-loop"
        assert len(server.requests) == 11

    @pytest.mark.parametrize(
        "target",
        ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[", "http://h:x/", "//evil.example\\@127.0.0.1/", "data:,x"],
    )
    def test_not_off_the_web(self, http: Http, server: WorldServer, target: str) -> None:
        assert fault_of(http, server, Fault(redirect=target)).reference in {"bad-redirect", "bad-address"}

    def test_not_to_nowhere(self, http: Http, server: WorldServer) -> None:
        assert fault_of(http, server, Fault(status=302)).reference == "bad-redirect"

    def test_not_to_plain_http_elsewhere(self, http: Http, server: WorldServer) -> None:
        assert fault_of(http, server, Fault(redirect="http://index.example/simple/")).reference == "plain-http"

    def test_its_body_is_not_read_without_end(self, server: WorldServer) -> None:
        server.fail(PAGE, Fault(redirect="/simple/demo", drip=0.05))
        with an_http(patience=0.1) as http:
            assert get(http, server.address(PAGE)).status == 200


class TestCredentials:
    EXPECTED = "Basic " + base64.b64encode(b"me:s3cret").decode()

    @staticmethod
    def with_password(url: Url) -> Url:
        return Url(url.reveal().replace("://", "://me:s3cret@"))

    def test_go_to_the_origin_of_their_index(self, server: WorldServer) -> None:
        server.world.main.password = ("me", "s3cret")
        with an_http(authorities=(self.with_password(server.index()),)) as http:
            assert get(http, server.address(PAGE)).status == 200
            assert get(http, server.address(FILE)).status == 200
        assert [one.headers["authorization"] for one in server.requests] == [self.EXPECTED] * 2

    def test_do_not_go_elsewhere(self, server: WorldServer) -> None:
        with WorldServer(server.world) as other, an_http(authorities=(self.with_password(server.index()),)) as http:
            get(http, other.address(PAGE))
            assert "authorization" not in other.requests[0].headers

    def test_are_dropped_by_a_redirect_to_another_origin_for_good(self, server: WorldServer) -> None:
        with WorldServer(server.world) as other, an_http(authorities=(self.with_password(server.index()),)) as http:
            server.fail(PAGE, Fault(redirect=other.base + "/back"))
            other.fail("/back", Fault(redirect=server.base + FILE))
            assert get(http, server.address(PAGE)).status == 200
            assert "authorization" not in other.requests[0].headers
        assert ["authorization" in one.headers for one in server.requests] == [True, False]

    def test_stay_on_a_redirect_within_the_origin(self, server: WorldServer) -> None:
        server.fail("/old/", Fault(redirect=PAGE))
        with an_http(authorities=(self.with_password(server.index()),)) as http:
            get(http, server.address("/old/"))
        assert [one.headers.get("authorization") for one in server.requests] == [self.EXPECTED] * 2

    def test_two_indexes_of_one_host_have_their_own_users(self, server: WorldServer) -> None:
        port = server.base.rpartition(":")[2]
        authorities = tuple(Url(f"http://{user}:x@127.0.0.1:{port}/{user}/simple") for user in ("anna", "bert"))
        with an_http(authorities=authorities) as http:
            get(http, server.address("/bert/simple/demo/"))
            get(http, server.address("/anna/files/demo"))
        users = [base64.b64decode(one.headers["authorization"].split()[1]) for one in server.requests]
        assert users == [b"bert:x", b"anna:x"]

    def test_those_of_a_direct_address_are_sent_there(self, http: Http, server: WorldServer) -> None:
        get(http, self.with_password(server.address(FILE)))
        assert server.requests[0].headers["authorization"] == self.EXPECTED
        assert "s3cret" not in server.requests[0].path

    def test_percent_encoding_is_undone(self, server: WorldServer) -> None:
        url = Url(server.index().reveal().replace("://", "://me:p%40ss@"))
        with an_http(authorities=(url,)) as http:
            get(http, server.address(PAGE))
        assert base64.b64decode(server.requests[0].headers["authorization"].split()[1]) == b"me:p@ss"

    def test_a_refusal_tells_nothing(self, server: WorldServer) -> None:
        server.world.main.password = ("me", "other")
        with an_http(authorities=(self.with_password(server.index()),)) as http:
            fault = fault_of(http, server, Fault())
        shown = " ".join(
            [fault.message, str(fault), *(text for pair in fault.context for text in pair), fault.hint or ""]
        )
        assert "does not accept" in fault.message
        assert "s3cret" not in shown

    def test_nor_does_any_other_failure(self, server: WorldServer) -> None:
        server.fail(FILE, Fault(drop=True))
        with an_http() as http, pytest.raises(NetworkFault) as caught:
            get(http, self.with_password(server.address(FILE)))
        assert "s3cret" not in str(caught.value) + str(caught.value.context)
        assert caught.value.__suppress_context__


class TestNetrc:
    @pytest.fixture
    def netrc(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "netrc"
        path.write_text("machine 127.0.0.1 login me password s3cret\ndefault login any password other\n")
        monkeypatch.setenv("NETRC", str(path))
        return path

    def test_is_used_for_indexes(self, server: WorldServer, netrc: Path) -> None:
        assert netrc.exists()
        server.world.main.password = ("me", "s3cret")
        with an_http(authorities=(server.index(),), use_netrc=True) as http:
            assert get(http, server.address(PAGE)).status == 200

    def test_and_for_nobody_else(self, server: WorldServer, netrc: Path) -> None:
        assert netrc.exists()
        with an_http(authorities=(Url("https://127.0.0.1/simple"),), use_netrc=True) as http:
            get(http, server.address(PAGE))
        assert "authorization" not in server.requests[0].headers

    def test_the_default_entry_greets_nobody(self, server: WorldServer, netrc: Path) -> None:
        netrc.write_text("default login any password other\n")
        with an_http(authorities=(server.index(),), use_netrc=True) as http:
            get(http, server.address(PAGE))
        assert "authorization" not in server.requests[0].headers

    def test_an_unreadable_one_is_told_when_it_matters(self, server: WorldServer, netrc: Path) -> None:
        netrc.write_text("machine 127.0.0.1 nonsense\n")
        server.world.main.password = ("me", "s3cret")
        with an_http(authorities=(server.index(),), use_netrc=True) as http:
            fault = fault_of(http, server, Fault())
        assert any(label == "netrc" and "cannot be read" in text for label, text in fault.context)


class TestAddresses:
    @pytest.mark.parametrize("url", ["http://index.example/simple/", "http://10.0.0.1/", "http://127.0.0.1.example/"])
    def test_plain_http_is_refused(self, http: Http, url: str) -> None:
        with pytest.raises(IndexFault) as caught:
            get(http, Url(url))
        assert caught.value.reference == "plain-http"
        assert "--cert" in (caught.value.hint or "")

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://h/",
            "h",
            "",
            "https://",
            "https:///x",
            "https://[::1",
            "https://a b/",
            "https://h:0x1/",
            "https://a\\b/",
            "https://evil.example\\@index.example/",
            "https://h\n/",
        ],
    )
    def test_what_is_no_address_is_refused(self, http: Http, url: str) -> None:
        with pytest.raises(IndexFault) as caught:
            get(http, Url(url))
        assert caught.value.reference == "bad-address"

    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("localhost", True),
            ("127.8.9.1", True),
            ("::1", True),
            ("a.localhost", True),
            ("localhost.example", False),
            ("10.0.0.1", False),
            ("", False),
            ("0.0.0.0", False),
        ],
    )
    def test_loopback(self, host: str, expected: bool) -> None:
        assert is_loopback(host) is expected


class TestStreams:
    def test_a_download_arrives_as_it_is_stored(self, http: Http, server: WorldServer) -> None:
        content = server.world.main.projects[next(iter(server.world.main.projects))][0].content
        with http.stream(server.address(FILE), headers={}, limit=len(content)) as answer:
            assert answer.status == 200
            assert b"".join(answer.chunks) == content
        assert server.requests[0].headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize(
        ("fault", "reference"),
        [(Fault(truncate=50), "truncated"), (Fault(body=b"x" * 1000), "response-too-large")],
    )
    def test_a_broken_one_raises(self, http: Http, server: WorldServer, fault: Fault, reference: str) -> None:
        server.fail(FILE, fault)
        with (
            pytest.raises(NetworkFault) as caught,
            http.stream(server.address(FILE), headers={}, limit=999) as answer,
        ):
            list(answer.chunks)
        assert caught.value.reference == reference

    def test_leaving_early_costs_a_connection_and_nothing_else(self, http: Http, server: WorldServer) -> None:
        server.fail(FILE, Fault(body=b"x" * 1_000_000, times=1))
        with http.stream(server.address(FILE), headers={}, limit=1 << 20) as answer:
            next(answer.chunks)
        assert get(http, server.address(PAGE)).status == 200
        assert server.connections == 2

    def test_its_beginning_is_tried_again(self, server: WorldServer) -> None:
        server.fail(FILE, Fault(status=502, times=1))
        with an_http(retries=1) as http, http.stream(server.address(FILE), headers={}, limit=1 << 20) as answer:
            assert answer.status == 200


class TestClosing:
    def test_what_is_under_way_ends_soon(self, server: WorldServer) -> None:
        server.fail(PAGE, Fault(drip=0.01, body=b"x" * 10_000))
        with an_http(timeout=5, patience=60) as http:
            closer = threading.Timer(0.2, http.close)
            closer.start()
            begun = time.monotonic()
            with pytest.raises(NetworkFault) as caught:
                get(http, server.address(PAGE))
            closer.join()
            assert caught.value.reference == "cancelled"
            assert time.monotonic() - begun < 2

    def test_a_pause_ends_at_once(self, server: WorldServer) -> None:
        server.fail(PAGE, Fault(status=503, headers={"Retry-After": "20"}))
        with an_http(retries=3) as http:
            closer = threading.Timer(0.2, http.close)
            closer.start()
            begun = time.monotonic()
            with pytest.raises(NetworkFault) as caught:
                get(http, server.address(PAGE))
            closer.join()
            assert caught.value.reference == "cancelled"
            assert time.monotonic() - begun < 2

    def test_nothing_begins_afterwards(self, http: Http, server: WorldServer) -> None:
        http.close()
        with pytest.raises(NetworkFault) as caught:
            get(http, server.address(PAGE))
        assert caught.value.reference == "cancelled"
        assert server.requests == []


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


class TestTls:
    def test_a_private_authority_can_be_named(self, tls: Tls) -> None:
        world = World()
        world.publish("demo", "1.0")
        with WorldServer(world, tls=tls) as server, an_http(certificates=tls.authority) as http:
            assert get(http, server.address(PAGE)).status == 200

    def test_an_unknown_authority_is_refused_at_once(self, tls: Tls) -> None:
        with WorldServer(World(), tls=tls) as server, an_http(retries=3) as http:
            with pytest.raises(NetworkFault) as caught:
                get(http, server.address(PAGE))
            assert server.connections == 0
        assert caught.value.reference == "tls"
        assert "--cert" in (caught.value.hint or "")

    def test_never_from_https_to_http(self, tls: Tls) -> None:
        with (
            WorldServer(World()) as plain,
            WorldServer(World(), tls=tls) as server,
            an_http(certificates=tls.authority) as http,
        ):
            fault = fault_of(http, server, Fault(redirect=plain.base + "/simple/demo/"))
            assert plain.requests == []
        assert fault.reference == "bad-redirect"
        assert "no longer encrypted" in fault.message

    @pytest.mark.parametrize("content", [None, "not a certificate"])
    def test_a_bundle_that_cannot_be_read(self, tmp_path: Path, content: str | None) -> None:
        bundle = tmp_path / "bundle.pem"
        if content is not None:
            bundle.write_text(content)
        with pytest.raises(BadInput) as caught:
            tls_context(bundle, None)
        assert caught.value.reference == "bad-certificate-file"

    def test_a_client_certificate_that_cannot_be_read(self, tls: Tls, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="client certificate"):
            tls_context(tls.authority, tmp_path / "absent.pem")


class TestProxies:
    @pytest.fixture(autouse=True)
    def _clean(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                monkeypatch.delenv(name)

    FROM_ENVIRONMENT = Proxies(explicit=None, from_environment=True)

    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({}, None),
            ({"HTTPS_PROXY": "http://p.example:1"}, "http://p.example:1"),
            ({"https_proxy": "p.example:1"}, "http://p.example:1"),
            ({"ALL_PROXY": "http://p.example:1"}, "http://p.example:1"),
            ({"HTTP_PROXY": "http://p.example:1"}, None),
            ({"HTTPS_PROXY": "http://p.example:1", "NO_PROXY": "index.example"}, None),
            ({"HTTPS_PROXY": "http://p.example:1", "NO_PROXY": ".example"}, None),
        ],
    )
    def test_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None
    ) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert self.FROM_ENVIRONMENT.for_url(Url("https://index.example/simple")) == expected

    def test_the_environment_can_be_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://p.example:1")
        assert Proxies(explicit=None, from_environment=False).for_url(Url("https://index.example/")) is None

    def test_a_proxy_is_asked_and_gets_its_own_credentials_only(self, server: WorldServer) -> None:
        proxy = Url(server.base.replace("://", "://us:pw@"))
        with an_http(proxies=Proxies(explicit=proxy, from_environment=False)) as http:
            response = get(http, Url("http://localhost:1/simple/demo/"))
        assert response.status == 404  # the proxy is our server, which does not know that address
        (request,) = server.requests
        assert request.path == "http://localhost:1/simple/demo/"
        assert request.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"us:pw").decode()
        assert "authorization" not in request.headers

    def test_a_dead_one_is_named(self) -> None:
        dead = Proxies(explicit=Url("http://127.0.0.1:9"), from_environment=False)
        with an_http(proxies=dead) as http, pytest.raises(NetworkFault) as caught:
            get(http, Url("http://localhost:1/"))
        assert caught.value.reference == "proxy-unreachable"

    @pytest.mark.parametrize("proxy", ["socks5://user:s3cret@127.0.0.1:9", "http://", "http://[x"])
    def test_one_that_cannot_be_used_is_refused(self, proxy: str) -> None:
        with (
            an_http(proxies=Proxies(explicit=Url(proxy), from_environment=False)) as http,
            pytest.raises(BadInput) as caught,
        ):
            get(http, Url("https://index.example/"))
        assert caught.value.reference == "bad-proxy"
        assert "s3cret" not in caught.value.message
