"""Who we are at UnionPay: merchant number, certificate or shared key, whom to believe, and where to call."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from payport.sdk.checks import check_types, shown
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

PRODUCTION_URL = "https://gateway.95516.com/gateway/api/"
TEST_URL = "https://gateway.test.95516.com/gateway/api/"
PRODUCTION_FILES_URL = "https://filedownload.95516.com/"
TEST_FILES_URL = "https://filedownload.test.95516.com/"

Encoding = Literal["UTF-8", "GBK"]
SignMethod = Literal["01", "11", "12"]

_MER_ID = re.compile(r"[0-9A-Za-z]{15}")
_BASE = re.compile(r"https://[a-z0-9.-]+(:\d+)?/(\S*/)?")
_ADDRESS = re.compile(r"https?://[!-~]+")
LONGEST_ADDRESS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionPayKey:
    """The merchant's signing key with its CFCA certificate.

    ``private_key``: PEM. ``certificate``: PEM; its serial number, in decimal, is the ``certId`` of every request.
    ``pfx``: instead of both, the base64 of the PKCS#12 file that CFCA's tool wrote, with ``password``.
    """

    private_key: Secret | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    pfx: Secret | None = field(default=None, repr=False)
    password: Secret | None = field(default=None, repr=False)

    @classmethod
    def from_pfx(cls, content: bytes, password: Secret) -> UnionPayKey:
        """The key in a ``.pfx`` file."""
        return cls(pfx=Secret(base64.b64encode(content).decode()), password=password)

    def __post_init__(self) -> None:
        check_types(self)
        pem = (self.private_key is not None, self.certificate is not None)
        if (self.pfx is not None) == any(pem) or pem in ((True, False), (False, True)):
            raise ConfigurationError(
                "give the signing key either as pfx with its password, or as private_key and certificate, both in PEM"
            )
        if self.pfx is not None and self.password is None:
            raise ConfigurationError("pfx: give the password that protects it (at most six digits in production)")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionPayAuthority:
    """Whom to believe UnionPay's certificates by: the middle and root certificate of one chain, PEM.

    Several chains may be valid at once while UnionPay changes from one to the other.
    """

    middle: str = field(repr=False)
    root: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquirer:
    """Acting as an acquirer (``accessType`` 1): its code, and the merchant's category and names."""

    acq_ins_code: str
    mer_cat_code: str
    mer_name: str
    mer_abbr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubMerchant:
    """Acting as a platform (``accessType`` 2) for one of its merchants."""

    sub_mer_id: str
    sub_mer_name: str
    sub_mer_abbr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionPayAccount:
    """One merchant number at UnionPay, live or test.

    Either ``key`` with ``authorities`` (``sign_method`` 01, RSA), or ``secret_key`` (``sign_method`` 11, SHA-256, or
    12, SM3). ``former_keys``: keys whose certificates were renewed; they still decrypt what was encrypted for them.
    ``encryption_certificate``: UnionPay's, PEM, to encrypt card data for native calls.
    ``notify_url``: where UnionPay posts (``backUrl``); ``return_url``: where the browser goes (``frontUrl``).
    ``term_id``: the terminal that scans payment codes. ``acting_as``: an acquirer or platform that calls for it.
    ``encoding``: of what this side sends to the gateway; pages that a browser posts are always UTF-8.
    Raises :class:`payport.sdk.ConfigurationError` for what can never work; keys are parsed by
    :class:`payport.adapters.unionpay.UnionPay`.
    """

    mer_id: str
    key: UnionPayKey | None = field(default=None, repr=False)
    secret_key: Secret | None = field(default=None, repr=False)
    sign_method: SignMethod = "01"
    authorities: tuple[UnionPayAuthority, ...] = field(default=(), repr=False)
    former_keys: tuple[UnionPayKey, ...] = field(default=(), repr=False)
    encryption_certificate: str | None = field(default=None, repr=False)
    notify_url: str | None = None
    return_url: str | None = None
    gateway_url: str = PRODUCTION_URL
    files_url: str | None = None
    encoding: Encoding = "UTF-8"
    term_id: str | None = None
    acting_as: Acquirer | SubMerchant | None = None
    trust: Trust | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_types(self)
        if not _MER_ID.fullmatch(self.mer_id):
            raise ConfigurationError(
                f"mer_id must be UnionPay's merchant number of 15 characters, got {shown(self.mer_id)}"
            )
        self._check_signing()
        if self.encoding not in ("UTF-8", "GBK"):
            raise ConfigurationError(f"encoding must be UTF-8 or GBK, got {shown(self.encoding)}")
        for name, url in (("gateway_url", self.gateway_url), ("files_url", self.files_at)):
            if not _BASE.fullmatch(url):
                raise ConfigurationError(
                    f"{name} must be an https URL that ends with a slash, such as {PRODUCTION_URL}, got {shown(url)}; "
                    "plain http would show payments to everybody on the way"
                )
        for name in ("notify_url", "return_url"):
            address: str | None = getattr(self, name)
            if address is not None and not is_address(address):
                raise ConfigurationError(
                    f"{name} must be an absolute http(s) URL in ASCII of at most {LONGEST_ADDRESS} characters, "
                    f"got {shown(address)}"
                )

    def _check_signing(self) -> None:
        if self.sign_method not in ("01", "11", "12"):
            raise ConfigurationError(
                f"sign_method must be 01 (RSA), 11 (SHA-256) or 12 (SM3), got {shown(self.sign_method)}"
            )
        if self.sign_method == "01":
            if self.key is None or self.secret_key is not None:
                raise ConfigurationError("sign_method 01 signs with a certificate: give key, and no secret_key")
            if not self.authorities:
                raise ConfigurationError(
                    "authorities: give UnionPay's middle and root certificates (acp_prod_middle, acp_prod_root); "
                    "without them nobody can tell UnionPay's messages from forged ones"
                )
        elif self.secret_key is None or self.key is not None:
            raise ConfigurationError(f"sign_method {self.sign_method} signs with secret_key, and with no certificate")

    @property
    def sandbox(self) -> bool:
        """Whether this is the test environment (or a simulator): anything but the production gateway."""
        return urlsplit(self.gateway_url).hostname != urlsplit(PRODUCTION_URL).hostname

    @property
    def sub_mer_id(self) -> str:
        """The merchant that a platform acts for; empty for any other."""
        return self.acting_as.sub_mer_id if isinstance(self.acting_as, SubMerchant) else ""

    @property
    def files_at(self) -> str:
        """The address of the file host: as configured, else the one that belongs to ``gateway_url``."""
        if self.files_url is not None:
            return self.files_url
        known = {PRODUCTION_URL: PRODUCTION_FILES_URL, TEST_URL: TEST_FILES_URL}
        return known.get(self.gateway_url, self.gateway_url)

    @property
    def hosts(self) -> frozenset[str]:
        """Names (with port when it is not 443) of gateway and file host."""
        return frozenset({urlsplit(self.gateway_url).netloc, urlsplit(self.files_at).netloc})


def is_address(url: str) -> bool:
    """Whether UnionPay takes it as ``backUrl`` or ``frontUrl``."""
    return _ADDRESS.fullmatch(url) is not None and len(url) <= LONGEST_ADDRESS
