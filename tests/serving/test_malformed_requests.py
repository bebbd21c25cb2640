"""Malformed input is always a 4xx in JSON that names what was wrong, never a 500, a reset or a prediction."""

import json
import socket
import struct

import pytest
from serving_workers import ROW

NAMES = list(ROW)
VALUES = list(ROW.values())
TYPES = {"temp": "FP64", "hum": "FP64", "season": "INT64", "city": "BYTES", "holiday": "BOOL", "day": "BYTES"}


def without(name):
    return {key: value for key, value in ROW.items() if key != name}


def records(**changes):
    return {"dataframe_records": [ROW | changes]}


SCORING = [
    # (body, field that is named or None, status)
    ({}, "dataframe_records", 422),
    ([], None, 422),
    (3, None, 422),
    (b"", None, 422),
    (b"{", None, 422),
    (b'{"instances": [\xff\xfe]}', None, 422),
    (b'{"instances": [{"temp": NaN}]}', None, 422),
    (b'{"instances": [{"temp": 1e999}]}', None, 422),
    (b'{"instances": [{"city": "\\ud800"}]}', None, 422),
    (b'{"instances": ' + b"[" * 50_000, None, 422),
    (b"[" * 50_000 + b"]" * 50_000, None, 422),
    ({"instances": [ROW], "inputs": [ROW]}, "dataframe_records", 422),
    ({"instances": [ROW], "surplus": 1}, "surplus", 422),
    ({"instances": [ROW], "params": {"temperature": 1}}, "params", 422),
    ({"instances": []}, "instances", 422),
    ({"instances": {}}, "instances", 422),
    ({"instances": [VALUES]}, "instances[0]", 422),
    ({"inputs": [VALUES]}, "inputs[0]", 422),
    ({"inputs": {"temp": 3}}, "temp", 422),
    ({"inputs": {**{n: [v] for n, v in ROW.items()}, "hum": [1, 2]}}, "hum", 422),
    ({"dataframe_records": [ROW, without("season")]}, "season", 422),
    ({"dataframe_split": {"columns": NAMES, "data": []}}, None, 422),
    ({"dataframe_split": {"columns": NAMES, "data": [VALUES[:-1]]}}, "dataframe_split.data", 422),
    ({"dataframe_split": {"columns": NAMES, "data": [VALUES, [*VALUES, 1]]}}, "dataframe_split.data", 422),
    ({"dataframe_split": {"columns": [*NAMES, "temp"], "data": [[*VALUES, 1]]}}, "temp", 422),
    ({"dataframe_split": {"columns": [1, 2], "data": [[1, 2]]}}, "dataframe_split.columns", 422),
    ({"dataframe_split": {"columns": NAMES}}, "dataframe_split", 422),
    ({"dataframe_split": {"columns": NAMES, "data": 5}}, "dataframe_split.data", 422),
    ({"dataframe_split": {"columns": NAMES, "data": [5]}}, "dataframe_split.data", 422),
    ({"dataframe_records": [without("season")]}, "season", 422),
    (records(surplus=1), "surplus", 422),
    (records(cnt=1), "cnt", 422),
    (records(temp=None), "temp", 422),
    (records(temp="warm"), "temp", 422),
    (records(temp=True), "temp", 422),
    (records(temp=[1]), "temp", 422),
    (records(temp={}), "temp", 422),
    (records(season=2.5), "season", 422),
    (records(season="2"), "season", 422),
    (records(season=1 << 80), "season", 422),
    (records(season=(1 << 64) - 1), "season", 422),
    (records(city=5), "city", 422),
    (records(city="x" * 150_000), "city", 422),
    (records(holiday=1), "holiday", 422),
    (records(holiday=None), "holiday", 422),
    (records(day="yesterday"), "day", 422),
    (records(day=5), "day", 422),
    (records(day="99999-01-01"), "day", 422),
    (records(station=5), "station", 422),
    ({"instances": [ROW] * 1001}, None, 413),
    (b"x" * 200_001, None, 413),
]


@pytest.mark.parametrize(("body", "field", "status"), SCORING)
def test_a_malformed_scoring_body_names_its_field(worker, body, field, status):
    got, _, answer = worker.post(body)
    assert (got, answer.get("field")) == (status, field)
    assert answer["error"] == answer["message"]
    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("", b"{}", 415),
        ("application/x-www-form-urlencoded", b"a=b", 415),
        ("text/plain", b"{}", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/json; charset=utf-16", b"{}", 415),
        ("text/csv", b"", 422),
        ("text/csv", b"temp\n", 422),
        ("text/csv", b"temp,temp\n1,2\n", 422),
        ("text/csv", b"temp,hum\n1\n", 422),
        ("text/csv", b"temp,hum,season,city,holiday,day\n1,2\n", 422),
        ("text/csv", b'temp,hum,season,city,holiday,day\n1,1,1,"open,true,2026-01-01\n', 422),
        ("text/csv", b"temp\n\xff\n", 422),
        ("text/csv", b"temp\n\x00\n", 422),
        ("text/csv", b"temp,hum,season,city,holiday,day\nnan,1,1,a,true,2026-01-01\n", 422),
        ("text/csv", b"temp,hum,season,city,holiday,day\ninf,1,1,a,true,2026-01-01\n", 422),
        ("text/csv", b"temp,hum,season,city,holiday,day\n1,1,many,a,true,2026-01-01\n", 422),
        ("text/csv", b"temp,hum,season,city,holiday,day\n1,1,1,a,perhaps,2026-01-01\n", 422),
        ("text/csv", b"temp,hum,season,city,holiday,day\n" + b"1,1,1,a,true,2026-01-01\n" * 1001, 413),
        ("text/csv", b"temp,hum,season,city,holiday,day\n1,1," + b"9" * 5000 + b",a,true,2026-01-01\n", 422),
    ],
)
def test_another_media_type_or_a_bad_csv_is_refused(worker, kind, body, status):
    got, _, answer = worker.ask("POST", "/invocations", body, {"Content-Type": kind} if kind else {})
    assert got == status
    assert answer["error"]


def test_compressed_bodies_are_refused(worker):
    assert worker.post(b"{}", Content_Encoding="gzip")[0] == 415


def tensors(name=None, /, **changes):
    made = [{"name": n, "shape": [1], "datatype": TYPES[n], "data": [v]} for n, v in ROW.items()]
    return {"inputs": [t | (changes if t["name"] == name else {}) for t in made]}


INFER = [
    ({}, "inputs"),
    ({"inputs": []}, "inputs"),
    ({"inputs": {}}, "inputs"),
    ({"inputs": [1]}, "inputs[0]"),
    ({"inputs": [{}]}, "inputs[0]"),
    ({"inputs": [{"name": 5}]}, "inputs[0]"),
    (tensors("temp", shape=[2]), "temp"),
    (tensors("temp", shape=[0], data=[]), "hum"),
    (tensors("temp", shape=[-1]), "temp"),
    (tensors("temp", shape=[1, 2], data=[1, 2]), "temp"),
    (tensors("temp", shape=[1, 1, 1]), "temp"),
    (tensors("temp", shape=[]), "temp"),
    (tensors("temp", shape=5), "temp"),
    (tensors("temp", shape=[True]), "temp"),
    (tensors("temp", shape=[1.0]), "temp"),
    (tensors("temp", shape=None), "temp"),
    (tensors("temp", datatype="FLOAT"), "temp"),
    (tensors("temp", datatype=None), "temp"),
    (tensors("temp", datatype=["FP64"]), "temp"),
    (tensors("temp", datatype="BF16"), "temp"),
    (tensors("temp", data="10"), "temp"),
    (tensors("temp", data=None), "temp"),
    (tensors("temp", data=[[[1.0]]]), "temp"),
    (tensors("temp", data=["10"]), "temp"),
    (tensors("temp", datatype="BOOL", data=[True]), "temp"),
    (tensors("temp", datatype="INT64", data=[1.5]), "temp"),
    (tensors("season", datatype="INT8", data=[300]), "season"),
    (tensors("season", datatype="UINT8", data=[-1]), "season"),
    (tensors("season", datatype="FP64", data=[1.5]), "season"),
    (tensors("holiday", datatype="INT64", data=[1]), "holiday"),
    (tensors("city", datatype="INT64", data=[1]), "city"),
    (tensors("temp", name="temperature"), "temp"),
    (tensors("temp", name="season"), "season"),
    (tensors("temp", surplus=1), "inputs[0]"),
    (tensors("temp", parameters=5), "temp"),
    (tensors("temp", parameters={"shared_memory_region": "a"}), "temp"),
    (tensors("temp", parameters={"binary_data_size": 8}), "temp"),
    (tensors() | {"id": 5}, "id"),
    (tensors() | {"id": "x" * 200}, "id"),
    (tensors() | {"id": "new\nline"}, "id"),
    (tensors() | {"parameters": []}, None),
    (tensors() | {"parameters": [1]}, "parameters"),
    (tensors() | {"parameters": {"binary_data_output": "yes"}}, "binary_data_output"),
    (tensors() | {"outputs": {"name": "predict"}}, "outputs"),
    (tensors() | {"outputs": [{"name": "score"}]}, "outputs[0]"),
    (tensors() | {"outputs": [{"name": ["predict"]}]}, "outputs[0]"),
    (tensors() | {"outputs": [{"name": "predict"}] * 2}, "outputs[1]"),
    (tensors() | {"outputs": [{"name": "predict", "parameters": {"classification": 1}}]}, "outputs[0]"),
    (tensors() | {"surplus": 1}, "surplus"),
]


@pytest.mark.parametrize(("body", "field"), INFER)
def test_a_malformed_infer_body_names_its_field(worker, body, field):
    status, _, answer = worker.post(body, "/v2/models/bikes/infer")
    if field is None:
        assert status == 200  # an empty list of parameters says nothing
        return
    assert (status, answer.get("field")) == (422, field)


def test_a_huge_shape_is_refused_without_memory(worker):
    status, _, answer = worker.post(tensors("temp", shape=[10**15]), "/v2/models/bikes/infer")
    assert status == 413
    assert "rows" in answer["error"]


def binary(size, blob, header=None, datatype="FP64"):
    body = json.dumps(tensors("temp", parameters={"binary_data_size": size}, datatype=datatype)).encode()
    body = body.replace(b'"data": [10.5], ', b"", 1)
    return body + blob, {"Inference-Header-Content-Length": str(len(body)) if header is None else header}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        binary(8, b""),
        binary(8, b"1234567"),
        binary(8, b"123456789"),
        binary(7, b"1234567"),
        binary(-1, b""),
        binary("8", b"12345678"),
        binary(1.5, b"12345678"),
        binary(True, b"1"),
        binary(8, b"12345678", header="99999999"),
        binary(8, b"12345678", header="-1"),
        binary(8, b"12345678", header="ten"),
        binary(8, b"12345678", header="0"),
        binary(8, b"12345678", header="9" * 30),
        binary(8, struct.pack("<d", float("inf"))),
        binary(8, struct.pack("<d", float("nan"))),
        binary(1, b"\x07", datatype="BOOL"),
        binary(4, struct.pack("<I", 100), datatype="BYTES"),
        binary(3, b"abc", datatype="BYTES"),
        binary(5, struct.pack("<I", 1) + b"\xff", datatype="BYTES"),
        binary(8, struct.pack("<II", 0, 0), datatype="BYTES"),
        binary(0, b"", datatype="BYTES"),
    ],
)
def test_bad_binary_sizes_and_bytes_are_refused(worker, body, headers):
    status, _, answer = worker.ask("POST", "/v2/models/bikes/infer", body, headers)
    assert status == 422
    assert answer["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/invocations", 405),
        ("POST", "/health", 405),
        ("DELETE", "/invocations", 405),
        ("GET", "/v2/models/other", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("GET", "/v2/models/bikes/versions/4", 404),
        ("GET", "/v2/models/bikes/versions/03/ready", 404),
        ("GET", "/v2/models/../models/bikes/x", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/invocations/", 404),
    ],
)
def test_other_routes_and_methods_are_refused_in_json(worker, method, path, status):
    got, _, answer = worker.ask(method, path)
    assert got == status
    assert answer["error"]


@pytest.mark.parametrize("value", ["", "x" * 129, "tab\there", "é"])
def test_request_ids_that_cannot_be_kept_are_refused(worker, value):
    status, _, answer = worker.post(records(), X_Request_Id=value.encode("latin-1"))
    assert (status, answer["field"]) == (422, "id")


def test_a_chunked_body_over_the_limit_is_refused_while_it_arrives(worker):
    with socket.create_connection(("127.0.0.1", worker.port), timeout=60) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(30):
            connection.sendall(b"2710\r\n" + b" " * 10_000 + b"\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_client_that_leaves_in_mid_body_does_no_harm(worker):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", worker.port), timeout=60) as connection:
            connection.sendall(
                b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            )
    assert worker.post(records())[0] == 200


@pytest.mark.parametrize(
    "raw", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /invocations HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_bytes_that_are_no_http_leave_the_worker_standing(worker, raw):
    with socket.create_connection(("127.0.0.1", worker.port), timeout=60) as connection:
        connection.sendall(raw)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    assert worker.post(records())[0] == 200
