"""What a worker answers over HTTP: both protocols, health, metrics, idempotent ids, and what it logs."""

import json
import struct
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving_workers import ROW

from volant.evidence.model import Outcome

TENSORS = [
    {"name": "temp", "shape": [2], "datatype": "FP64", "data": [10.5, 1]},
    {"name": "hum", "shape": [2, 1], "datatype": "FP32", "data": [[0.5], [None]]},
    {"name": "season", "shape": [2], "datatype": "INT8", "data": [2, 3]},
    {"name": "city", "shape": [2], "datatype": "BYTES", "data": ["Lyon", None]},
    {"name": "holiday", "shape": [2], "datatype": "BOOL", "data": [True, False]},
    {"name": "day", "shape": [2], "datatype": "BYTES", "data": ["2026-01-01", "2026-01-02"]},
]


@pytest.mark.parametrize(
    "payload",
    [
        {"dataframe_records": [ROW, ROW]},
        {"instances": [ROW, ROW], "params": {}},
        {"inputs": [ROW, ROW], "params": None},
        {"inputs": {name: [value] * 2 for name, value in ROW.items()}},
        {"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())] * 2, "index": [7, 8]}},
        {"dataframe_split": {"columns": list(ROW)[::-1], "data": [list(ROW.values())[::-1]] * 2}},
    ],
)
def test_every_form_of_a_scoring_body_gives_the_same_answer(worker, payload):
    status, headers, body = worker.post(payload)
    assert (status, body) == (200, {"predictions": [12.5, 12.5]})
    last = worker.logged()[-1]
    assert headers["x-volant-prediction-id"] == last.id
    assert last.columns == {name: [value] * 2 for name, value in ROW.items()}
    assert (last.version, last.epoch, last.arm, last.outcome) == (3, 2, "champion", Outcome.OK)


def test_csv_is_read_by_the_types_of_the_columns(worker):
    text = 'temp,hum,season,city,holiday,day\r\n10.5,,2,Lyon,false,2026-01-01\r\n1,0.5,3,"a, b",True,2026-01-02\r\n'
    status, _, body = worker.ask("POST", "/invocations", text.encode(), {"Content-Type": "text/csv; charset=utf-8"})
    assert (status, body) == (200, {"predictions": [12.5, 4.0]})
    assert worker.logged()[-1].columns["city"] == ["Lyon", "a, b"]


def test_key_and_time_columns_are_logged_beside_the_models_own(worker):
    assert worker.post({"instances": [ROW | {"station": "s1"}]})[0] == 200
    last = worker.logged()[-1]
    assert last.keys == ['["s1","2026-01-01"]']
    assert last.columns["station"] == ["s1"]
    assert last.event_times == [1767225600000000]


def test_infer_answers_named_tensors(worker):
    status, headers, body = worker.post({"id": "", "inputs": TENSORS}, "/v2/models/bikes/infer")
    assert status == 200
    assert body["model_name"] == "bikes"
    assert body["model_version"] == "3"
    assert body["id"] == headers["x-volant-prediction-id"]
    assert body["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [2], "data": [12.5, 4.0]}]
    assert worker.post({"inputs": TENSORS}, "/v2/models/bikes/versions/3/infer")[2]["outputs"] == body["outputs"]


def test_metadata_lists_the_real_inputs_and_outputs(worker, classifier):
    body = worker.ask("GET", "/v2/models/bikes")[2]
    assert [(t["name"], t["datatype"]) for t in body["inputs"]] == [
        ("temp", "FP64"),
        ("hum", "FP64"),
        ("season", "INT64"),
        ("city", "BYTES"),
        ("holiday", "BOOL"),
        ("day", "BYTES"),
    ]
    outputs = classifier.ask("GET", "/v2/models/bikes")[2]["outputs"]
    assert [(t["name"], t["datatype"], t["shape"]) for t in outputs] == [("predict", "BYTES", [-1]), ("predict_proba", "FP64", [-1, 2])]


def test_a_classifier_gives_labels_and_probabilities(classifier):
    assert classifier.post({"instances": [{"x": 1.0}, {"x": -1}]})[2] == {"predictions": ["UP", "DOWN"]}
    tensor = {"name": "x", "shape": [2], "datatype": "FP64", "data": [0.5, -0.5]}
    body = classifier.post({"inputs": [tensor], "outputs": [{"name": "predict_proba"}]}, "/v2/models/bikes/infer")[2]
    (output,) = body["outputs"]
    assert (output["name"], output["shape"], len(output["data"])) == ("predict_proba", [2, 2], 4)
    assert output["data"][0] + output["data"][1] == pytest.approx(1)
    assert classifier.logged()[-1].scores[0][1] == pytest.approx(0.62, abs=0.01)


def binary_body(tensors, blobs, **more):
    head = json.dumps({"inputs": tensors, **more}).encode()
    return head + b"".join(blobs), {"Inference-Header-Content-Length": str(len(head))}


def text_blob(*texts):
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def test_binary_tensors_go_in_and_out(worker):
    blobs = [
        struct.pack("<2f", 10.5, 1),
        struct.pack("<2d", 0.5, float("nan")),
        struct.pack("<2H", 2, 3),
        text_blob("Lyön", "b"),
        b"\x01\x00",
    ]
    tensors = [
        {"name": t["name"], "shape": [2], "datatype": datatype, "parameters": {"binary_data_size": len(blob)}}
        for t, datatype, blob in zip(TENSORS, ["FP32", "FP64", "UINT16", "BYTES", "BOOL"], blobs, strict=False)
    ]
    body, headers = binary_body([*tensors, TENSORS[5]], blobs, parameters={"binary_data_output": True})
    connection = worker.connect()
    connection.request("POST", "/v2/models/bikes/infer", body, headers)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    assert answer.status == 200, raw
    length = int(answer.getheader("Inference-Header-Content-Length"))
    (output,) = json.loads(raw[:length])["outputs"]
    assert output["parameters"] == {"binary_data_size": 16}
    assert struct.unpack("<2d", raw[length:]) == (12.5, 4.0)
    assert worker.logged()[-1].columns["city"] == ["Lyön", "b"]
    assert worker.logged()[-1].columns["hum"] == [0.5, None]


def test_binary_text_outputs_are_length_prefixed(classifier):
    body, headers = binary_body(
        [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1.0, -1.0]}],
        [],
        outputs=[{"name": "predict", "parameters": {"binary_data": True}}, {"name": "predict_proba"}],
    )
    status, answer_headers, raw = classifier.ask("POST", "/v2/models/bikes/infer", body, headers)
    assert status == 200
    length = int(answer_headers["inference-header-content-length"])
    assert raw[length:] == text_blob("UP", "DOWN")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/bikes/ready", {"name": "bikes", "ready": True}),
        ("/v2/models/bikes/versions/3/ready", {"name": "bikes", "ready": True}),
        ("/ready", {"ready": True}),
        ("/ping", b"\n"),
        ("/health", b"\n"),
        ("/version", b"0.1.0"),
    ],
)
def test_health_answers_as_each_protocol_wants(worker, path, body):
    assert worker.ask("GET", path)[::2] == (200, body)
    assert worker.ask("HEAD", path)[::2] == (200, b"")


def test_metrics_can_be_parsed_and_count_what_happened(worker):
    def counts():
        text = worker.ask("GET", "/metrics")[2].decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(s.name, s.labels.get("code"), s.labels.get("route"), s.labels.get("le")): s.value for s in samples}

    before = counts()
    worker.post({"instances": [ROW]})
    worker.post({"instances": []})
    after = counts()
    ok, bad = (("volant_requests_total", code, "invocations", None) for code in ("200", "422"))
    assert after[ok] == before.get(ok, 0) + 1
    assert after[bad] == before.get(bad, 0) + 1
    total = after["volant_request_duration_seconds_count", None, "invocations", None]
    assert after["volant_request_duration_seconds_bucket", None, "invocations", "+Inf"] == total


def test_a_repeated_request_id_gets_the_stored_answer_and_is_logged_once(worker):
    before = len(worker.logged())
    answers = [worker.post({"instances": [ROW]}, X_Request_Id="again") for _ in range(3)]
    assert len({headers["x-volant-prediction-id"] for _, headers, _ in answers}) == 1
    assert {status for status, _, _ in answers} == {200}
    assert len(worker.logged()) == before + 1


def test_a_request_id_for_another_body_is_a_conflict(worker):
    assert worker.post({"instances": [ROW]}, X_Request_Id="same")[0] == 200
    status, _, body = worker.post({"instances": [ROW | {"temp": 11.0}]}, X_Request_Id="same")
    assert (status, body["field"], body["error_code"]) == (409, "id", "RESOURCE_CONFLICT")
    infer = {"id": "same", "inputs": TENSORS}
    assert worker.post(infer, "/v2/models/bikes/infer")[0] == 409


def test_infer_ids_are_echoed_and_idempotent(worker):
    first = worker.post({"id": "v2-1", "inputs": TENSORS}, "/v2/models/bikes/infer")
    again = worker.post({"id": "v2-1", "inputs": TENSORS}, "/v2/models/bikes/infer")
    assert first[2]["id"] == "v2-1"
    assert first[2] == again[2]
    assert first[1]["x-volant-prediction-id"] == again[1]["x-volant-prediction-id"]


def test_the_same_id_at_the_same_time_is_predicted_once(worker):
    before = len(worker.logged())
    answers = []
    slow = {"instances": [ROW | {"city": "slow"}] * 300}
    threads = [threading.Thread(target=lambda: answers.append(worker.post(slow, X_Request_Id="together"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _, _ in answers} == {200}
    assert len({headers["x-volant-prediction-id"] for _, headers, _ in answers}) == 1
    assert len(worker.logged()) == before + 1


def test_health_is_answered_while_a_long_prediction_runs(worker):
    answered = []
    thread = threading.Thread(target=lambda: answered.append(worker.post({"instances": [ROW | {"city": "slow"}] * 40})[0]))
    thread.start()
    while thread.is_alive() and worker.ask("GET", "/v2/health/live")[0] == 200:
        answered.append("live")
    thread.join()
    assert answered.count("live") > 3
    assert answered[-1] == 200 or 200 in answered


@pytest.mark.parametrize("city", ["raise", "nan"])
def test_a_model_that_fails_is_a_500_in_json_and_an_error_in_the_log(worker, city):
    status, _, body = worker.post({"instances": [ROW | {"city": city}]})
    assert status == 500
    assert body["error_code"] == "INTERNAL_ERROR"
    assert "Traceback" not in json.dumps(body)
    last = worker.logged()[-1]
    assert (last.outcome, last.values, last.columns["city"]) == (Outcome.ERROR, [], [city])
    assert last.error
    assert worker.post({"instances": [ROW]})[0] == 200


def test_a_failed_request_may_be_tried_again_under_its_id(worker):
    failing = {"instances": [ROW | {"city": "raise"}]}
    assert [worker.post(failing, X_Request_Id="retry")[0] for _ in range(2)] == [500, 500]
    assert worker.post({"instances": [ROW]}, X_Request_Id="retry")[0] == 200


def test_refused_requests_are_nobodys_evidence(worker):
    before = len(worker.logged())
    assert worker.post({"instances": [{}]})[0] == 422
    assert len(worker.logged()) == before
