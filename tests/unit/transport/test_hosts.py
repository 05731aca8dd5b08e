"""Where requests may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.errors import ConfigurationError
from payport.sdk.message import FailureKind
from payport.sdk.transport.hosts import Address, Hosts, Target
from payport.sdk.transport.trip import SendError

LISTED = frozenset({"api.example.com", "api.example.com:8443", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3"})

ALLOWED = [
    ("https://api.example.com/v1/pay?a=%2F+b", Address("api.example.com", 443, tls=True), "/v1/pay?a=%2F+b"),
    ("https://api.example.com", Address("api.example.com", 443, tls=True), "/"),
    ("https://api.example.com:443/", Address("api.example.com", 443, tls=True), "/"),
    ("https://api.example.com:8443/x", Address("api.example.com", 8443, tls=True), "/x"),
    ("https://127.0.0.1:8080/", Address("127.0.0.1", 8080, tls=True), "/"),
    ("https://[::1]:8080/", Address("::1", 8080, tls=True), "/"),
    ("https://10.1.2.3/", Address("10.1.2.3", 443, tls=True), "/"),
]

REFUSED = [
    "http://api.example.com/",
    "http://127.0.0.1:8080/",
    "https://api.example.com:444/",
    "https://api.example.com.evil.example/",
    "https://evil.example/api.example.com",
    "https://api.example.com@evil.example/",
    "https://user:pw@api.example.com/",
    "https://api.example.com./",
    "https://API.example.com/",
    "HTTPS://api.example.com/",
    "https://аpi.example.com/",  # a Cyrillic letter that looks like ours
    "https://xn--pi-8cd.example.com/",
    "https://api.example.com\\@evil.example/",
    "https://api.example.com/\\evil",
    "https://api.example.com/a b",
    "https://api.example.com/#x",
    "https://api.example.com/a\r\nHost: evil.example",
    "https://api.example.com/茶",
    "https://api.example.com?x=1",
    "https://api.example.com:99999999/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://127.0.0.1/",
    "https:///api.example.com/",
    "//api.example.com/",
    "ftp://api.example.com/",
    "api.example.com",
    "",
]


@pytest.mark.parametrize(("url", "address", "path"), ALLOWED, ids=[case[0] for case in ALLOWED])
def test_listed_hosts_are_found(url: str, address: Address, path: str) -> None:
    """The path comes back byte for byte; the second look-up says the same as the first."""
    hosts = Hosts(LISTED)
    assert Target(address, path) == hosts.find(url) == hosts.admit(url)


@pytest.mark.parametrize("url", REFUSED)
def test_everything_else_is_refused(url: str) -> None:
    """No trick with user names, ports, letters, slashes or other spellings of an address leads elsewhere."""
    with pytest.raises(SendError) as caught:
        Hosts(LISTED).admit(url)
    assert FailureKind.REFUSED is caught.value.kind


def test_a_closed_transport_refuses() -> None:
    """Nothing is sent after closing, whatever the URL."""
    with pytest.raises(SendError, match="closed"):
        Hosts(LISTED).admit("https://api.example.com/", closed=True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://[::1]:8080/x"])
def test_plaintext_is_for_listed_loopback_in_tests(url: str) -> None:
    """Only with the setting, and only to loopback addresses."""
    assert isinstance(Hosts(LISTED, loopback_plaintext=True).find(url), Target)
    assert isinstance(Hosts(LISTED, loopback_plaintext=True).find("http://10.1.2.3:80/"), str)
    assert isinstance(Hosts(LISTED | {"10.1.2.3:80"}, loopback_plaintext=True).find("http://10.1.2.3/"), str)


@pytest.mark.parametrize(
    "entry", ["", "https://api.example.com", "Api.example.com", "*.example.com", "a:0", "a:70000", "a b"]
)
def test_an_entry_that_is_no_host_is_found_at_construction(entry: str) -> None:
    """A wildcard or a URL on the list is a mistake, not a rule."""
    with pytest.raises(ConfigurationError, match="is not a lower-case"):
        Hosts(frozenset({entry}))


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        (Address("a.example", 443, tls=True), "a.example"),
        (Address("a.example", 8443, tls=True), "a.example:8443"),
        (Address("127.0.0.1", 80, tls=False), "127.0.0.1"),
        (Address("::1", 443, tls=True), "[::1]"),
        (Address("::1", 8080, tls=True), "[::1]:8080"),
    ],
)
def test_the_host_header(address: Address, authority: str) -> None:
    """The port stands there only where it is not the default."""
    assert authority == address.authority


@given(st.text(max_size=60), st.sampled_from(["", "https://", "https://api.example.com", "https://api.example.com/"]))
def test_whatever_is_let_through_leads_to_a_listed_host(rest: str, start: str) -> None:
    """Fuzzed URLs either lead to a listed place or are refused; never an exception, never another host."""
    found = Hosts(LISTED).find(start + rest)
    if isinstance(found, Target):
        listed = {
            ("api.example.com", 443),
            ("api.example.com", 8443),
            ("10.1.2.3", 443),
            ("127.0.0.1", 8080),
            ("::1", 8080),
        }
        assert (found.address.host, found.address.port) in listed
        assert found.path.isascii()


def test_the_memory_of_origins_is_bounded() -> None:
    """More listed places than are remembered still work."""
    entries = frozenset(f"h{number}.example" for number in range(300))
    hosts = Hosts(entries)
    assert all(isinstance(hosts.find(f"https://{entry}/"), Target) for entry in sorted(entries))
    assert len(hosts._known) == 256  # pyright: ignore[reportPrivateUsage] - a cache shows nowhere else
