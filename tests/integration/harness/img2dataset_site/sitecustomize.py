"""Python loads this first in every process of img2dataset (PYTHONPATH): all host names lead to the test web, as gritd's
`[network] port_map` does it, so that both have the same URLs. A name below `unknown.test` does not resolve."""

import os
import socket

_PORTS = {80: int(os.environ["GRIT_WEB_HTTP"]), 443: int(os.environ["GRIT_WEB_HTTPS"])}
_dial = socket.create_connection


def _dial_web(address, *arguments, **keywords):
    host, port = address
    if host.endswith(".unknown.test"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _dial(("127.0.0.1", _PORTS.get(port, port)), *arguments, **keywords)


socket.create_connection = _dial_web
