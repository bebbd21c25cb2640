import os
import socket

import pytest

from volant.kernel.errors import ConflictError, InvalidInputError, UsageError
from volant.server.addresses import listen, listener_of, reserve


def test_a_port_in_use_is_named_with_its_holder_and_the_option_that_helps():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError) as refused:
            listen("127.0.0.1", port)
    assert f"Port {port} of 127.0.0.1 is in use" in refused.value.what
    assert f"pid {os.getpid()}" in refused.value.found
    assert f"--port {port + 1}" in refused.value.next_step


def test_a_reserved_worker_port_in_use_names_its_own_option():
    with listen("127.0.0.1", 0) as taken, pytest.raises(ConflictError) as refused:
        reserve("127.0.0.1", taken.getsockname()[1])
    assert "--worker-port" in refused.value.next_step


def test_a_reserved_port_refuses_clients_until_somebody_listens():
    with reserve("127.0.0.1", 0) as held:
        address = held.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=60)
        held.listen()
        socket.create_connection(address, timeout=60).close()


def test_a_reserved_port_can_be_asked_for_by_number():
    with reserve("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
    with reserve("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_a_usage_error(port):
    with pytest.raises(UsageError):
        listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["", "[]", "\x00", "x" * 300])
def test_a_host_that_is_no_address_is_a_usage_error(host):
    with pytest.raises(UsageError):
        listen(host, 0)


def test_an_address_of_another_machine_says_so():
    with pytest.raises(InvalidInputError, match="cannot be used"):
        listen("192.0.2.1", 0)


def test_a_free_port_has_no_holder():
    with reserve("127.0.0.1", 0) as held:
        assert listener_of(held.getsockname()[1]) is None
