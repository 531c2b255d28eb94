"""The messages between the trusted process and a box: what a hostile peer sends is a clean verdict, in time."""

import contextlib
import json
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from grader.box import wire
from grader.box.codec import Decoder, Encoder, TooDeep
from grader.box.wire import Malformed

PLAIN_DTYPES = ("f4", "f8", "i8", "u1", "?", "c16", "<U5", "S3", "f2")


def refuse(value):
    raise TypeError(type(value).__name__)


def there_and_back(value):
    encoder = Encoder(refuse)
    encoded = json.loads(json.dumps(encoder.encode(value)))
    return Decoder([bytearray(buffer) for buffer in encoder.buffers], refuse).decode(encoded)


def exchange(*chunks, limit=1 << 20, seconds=1.0, pause=0.0):
    """Receive what a peer sends as raw bytes, in chunks."""
    ours, theirs = socket.socketpair()

    def talk():
        with theirs, contextlib.suppress(OSError):  # the other side may have had enough
            for chunk in chunks:
                theirs.sendall(chunk)
                time.sleep(pause)

    with ours:
        peer = threading.Thread(target=talk)
        peer.start()
        try:
            return wire.receive(ours, limit=limit, deadline=time.monotonic() + seconds)
        finally:
            ours.close()
            peer.join()


def framed(header):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_plain_data_arrives_as_it_was(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


@given(st.sampled_from(PLAIN_DTYPES).flatmap(lambda d: arrays(np.dtype(d), array_shapes(min_dims=0, min_side=0))))
def test_arrays_arrive_with_shape_dtype_and_every_element(array):
    back = there_and_back(array)
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable


def test_an_array_seen_through_a_negative_stride_arrives_in_order():
    assert there_and_back(np.arange(5)[::-1]).tolist() == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("value", [..., slice(1, None, 2), np.float32, np.dtype("i4"), np.float32(1.5), -0.0, 10**50])
def test_the_other_plain_values(value):
    back = there_and_back(value)
    assert back == value and type(back) is type(value)


class Sneaky(np.ndarray):
    pass


class Number(float):
    pass


@pytest.mark.parametrize(
    "value", [object(), np.zeros(2).view(Sneaky), np.array([object()]), Number(1), {1, 2}, np.zeros(2, "f4,i4")]
)
def test_what_is_not_plain_goes_by_handle_only(value):
    with pytest.raises(TypeError):
        there_and_back(value)


def test_a_value_nested_too_deeply_is_refused():
    value: list = []
    for _ in range(30):
        value = [value]
    with pytest.raises(TooDeep, match="nested deeper"):
        there_and_back(value)


@pytest.mark.parametrize(
    "encoded",
    [
        None,
        7,
        {},
        {"value": 1.5},
        {"value": "x", "int": "1"},
        {"int": "zz"},
        {"int": "1" * 1000},
        {"float": "inf?"},
        {"array": ["<f8", [-1]]},
        {"array": ["<f8", [2**40, 2**40]]},
        {"array": ["<f8", [1] * 50]},
        {"array": ["O", [1]]},
        {"array": ["<f8,<f8", [1]]},
        {"array": ["(2,)f8", [1]]},
        {"array": ["<f8", [True]]},
        {"array": ["<U999999999", [1]]},
        {"array": ["<f8", [3]]},
        {"scalar": "<U1"},
        {"dict": [[{"list": []}, {"int": "1"}]]},
        {"dict": [1]},
        {"complex": ["nan"]},
        {"tuple": {"value": 1}},
        {"object": "os.system"},
    ],
)
def test_what_no_encoder_writes_is_malformed(encoded):
    with pytest.raises(Malformed):
        Decoder([bytearray(8)], refuse).decode(encoded)


def test_a_million_parts_are_malformed():
    with pytest.raises(Malformed, match=r"too many parts|too deeply"):
        Decoder([], refuse).decode({"list": [{"value": None}] * 1_000_000})


@settings(max_examples=2000, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda i: (
            st.lists(i, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["value", "int", "float", "list", "tuple", "dict", "array", "scalar", "dtype", "slice"]
                ),
                i,
                max_size=2,
            )
        ),
        max_leaves=12,
    ),
    st.lists(st.binary(max_size=16), max_size=3),
)
def test_any_json_is_decoded_or_malformed(encoded, buffers):
    with contextlib.suppress(Malformed):
        Decoder([bytearray(b) for b in buffers], refuse).decode(encoded)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_a_clean_verdict(raw):
    try:
        head, buffers = exchange(raw)
    except (wire.Closed, Malformed):
        return
    assert isinstance(head, dict) and isinstance(buffers, list)


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack("<Q", 1 << 62),
        framed(b"{broken"),
        framed(b"\xff\xfe"),
        framed(b"[" * 200_000),
        framed([1, []]),
        framed([{}, [-1]]),
        framed([{}, [1.0]]),
        framed([{}, [True]]),
        framed([{}, [1 << 40]]),
        framed([{}, [0] * 20_000]),
        framed([{}]),
    ],
)
def test_impossible_lengths_and_headers_are_malformed(raw):
    with pytest.raises(Malformed):
        exchange(raw)


def test_half_a_message_is_a_closed_channel():
    with pytest.raises(wire.Closed):
        exchange(framed([{}, [10]]), b"12345")


def test_a_byte_at_a_time_runs_into_the_deadline_of_the_whole_message():
    drip = [bytes([byte]) for byte in framed([{"a": 1}, []])]
    with pytest.raises(TimeoutError):
        exchange(*drip, seconds=0.2, pause=0.05)
