"""Whose request it is, when it may have come through proxies."""

import ipaddress
import re
from collections.abc import Iterable

from tornado.httputil import HTTPServerRequest

_REQUEST_ID = re.compile(r"[0-9a-f]{16,32}")

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def _parse(text: str) -> _Ip | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


class ClientAddresses:
    """Reads ``X-Forwarded-For`` as far as the proxies that wrote it are trusted, no further."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(name, strict=False) for name in trusted_proxies]

    def of(self, request: HTTPServerRequest) -> str:
        """The address of the client: the last one that no trusted proxy stands behind."""
        address = str(request.remote_ip)
        if not self._is_trusted(address):
            return address
        forwarded = request.headers.get_list("X-Forwarded-For")
        for hop in reversed(",".join(forwarded).split(",")):
            parsed = _parse(hop)
            if parsed is None:
                break
            address = str(parsed)
            if not self._is_trusted(address):
                break
        return address

    def request_id_of(self, request: HTTPServerRequest) -> str | None:
        """The id that a trusted proxy gave the request, so that its log and ours have one name
        for it; None for what is none (nginx: ``$request_id``)."""
        given = request.headers.get("X-Request-ID", "")
        if _REQUEST_ID.fullmatch(given) and self._is_trusted(str(request.remote_ip)):
            return given
        return None

    def _is_trusted(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )
