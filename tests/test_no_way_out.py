"""The guard in conftest.py works: a test that reaches for another host fails, and this machine stays reachable."""

from __future__ import annotations

import socket

import pytest


def test_another_host_is_refused_by_name_and_by_number() -> None:
    with pytest.raises(RuntimeError, match="nothing may leave the machine"):
        socket.getaddrinfo("telemetry.invalid", 443)
    with socket.socket() as made, pytest.raises(RuntimeError, match="nothing may leave the machine"):
        made.connect(("192.0.2.1", 443))


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as made:
        assert made.getpeername() == server.getsockname()
