"""The canonical form of an annotation's URL, written anew from the rules (not from the daemon's code): what arrives at
the web for it. Covers what annotation files contain; where WHATWG has finer points, the samples avoid them."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ENCODED = frozenset(' "<>`{}|\\^')
AMPERSAND = re.compile("&(?:amp|#0*38|#[xX]0*26);")  # annotations carry URLs that were HTML-escaped, some of them twice


def _encode(text: str) -> str:
    """Percent-encoding in its normal form: upper-case hex, unreserved decoded, a lone % encoded."""
    out = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "%":
            hex_digits = text[at + 1 : at + 3]
            if re.fullmatch("[0-9A-Fa-f]{2}", hex_digits):
                decoded = chr(int(hex_digits, 16))
                out.append(decoded if decoded in UNRESERVED else "%" + hex_digits.upper())
                at += 3
                continue
            out.append("%25")
        elif char in ENCODED or not " " < char < "\x7f":
            out.extend(f"%{byte:02X}" for byte in char.encode())
        else:
            out.append(char)
        at += 1
    return "".join(out)


def _remove_dots(path: str) -> str:
    out: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "..":
            if out:
                out.pop()
        elif segment != ".":
            out.append(segment)
            continue
        if last:
            out.append("")
    return "/" + "/".join(out)


def _ipv4_number(part: str) -> int | None:
    """One part of an IPv4 address as browsers read it: 0x is hexadecimal, a leading 0 octal."""
    base, digits = (16, part[2:]) if part[:2] in ("0x", "0X") else (8, part[1:]) if part[0:1] == "0" else (10, part)
    try:
        return int(digits or "0", base) if part and part.isalnum() else None
    except ValueError:
        return None


def _ipv4(host: str) -> str | None:
    """The address that a host is which ends in a number (WHATWG): "127.1", "0x7f000001" and "2130706433" are one."""
    numbers = [_ipv4_number(part) for part in host.split(".")]
    if len(numbers) > 4 or None in numbers:
        return None
    *heads, last = numbers
    value = last + sum(head << 8 * (3 - place) for place, head in enumerate(heads))
    fits = last < 1 << 8 * (4 - len(heads)) and all(head < 256 for head in heads)
    return str(ipaddress.IPv4Address(value)) if fits else None


def canonical_host(text: str) -> str | None:
    """The one name of a host, however it is spelt; None if it is none."""
    host = urllib.parse.unquote(text)
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return None
    host = host.lower()
    if host.endswith("."):
        host = host[:-1]
    if not host:
        return None
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return _ipv4(host) or host


def _unescape(text: str) -> str:
    while AMPERSAND.search(text):
        text = AMPERSAND.sub("&", text)
    return text


def canonical(raw: str) -> tuple[str, str, str] | None:
    """(scheme, host, target) as the web logs them; None if it is no http(s) URL."""
    text = _unescape(re.sub("[\t\r\n]", "", raw.strip(" \t\r\n\f\v\0")))
    match = re.match(r"(?i)(https?)://([^/?#]*)([^#]*)", text)
    if not match:
        return None
    scheme, authority, target = match[1].lower(), match[2].rpartition("@")[2], match[3]
    authority = re.sub(r":\d*$", "", authority)
    host = canonical_host(authority)
    if host is None:
        return None
    path, mark, query = target.partition("?")
    return scheme, host, _remove_dots(_encode(path or "/")) + mark + _encode(query)


def resolve(base: tuple[str, str, str], reference: str) -> tuple[str, str, str] | None:
    """Where a Location leads."""
    scheme, host, target = base
    return canonical(urllib.parse.urljoin(f"{scheme}://{host}{target}", reference.strip()))
