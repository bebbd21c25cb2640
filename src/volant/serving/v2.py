"""The Open Inference Protocol V2 over REST: infer requests and answers, JSON and binary tensors, and metadata.

Each input column is a tensor of its own name. Outputs are ``predict`` and, for classifiers with known classes,
``predict_proba`` with one column per class in the order that metadata gives.
"""

from typing import Any

import orjson

from volant.evidence.model import Prediction
from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError
from volant.models.model import Signature
from volant.serving.invocations import load_json
from volant.serving.rows import RowRules
from volant.serving.tensors import DATATYPES, Tensor, answer_datatype, column_datatype, read_binary, read_json, write_binary

PREDICT = "predict"
PREDICT_PROBA = "predict_proba"
_REQUEST_FIELDS = {"id", "parameters", "inputs", "outputs"}
_INPUT_FIELDS = {"name", "shape", "datatype", "parameters", "data"}


class Wanted(Value, frozen=True, kw_only=True):
    """An output that was asked for."""

    name: str
    binary: bool


class InferRequest(Value, frozen=True, kw_only=True):
    """A parsed infer request; columns are not yet checked against the signature."""

    id: str | None
    columns: dict[str, list[Any]]
    outputs: tuple[Wanted, ...]


def output_names(signature: Signature) -> tuple[str, ...]:
    """The outputs a model has."""
    return (PREDICT, PREDICT_PROBA) if signature.classes else (PREDICT,)


def model_metadata(model: str, version: int, signature: Signature) -> dict[str, Any]:
    """What ``GET /v2/models/M`` answers."""
    outputs: list[dict[str, Any]] = [{"name": PREDICT, "datatype": answer_datatype(signature), "shape": [-1]}]
    if signature.classes:
        scores = {"name": PREDICT_PROBA, "datatype": "FP64", "shape": [-1, len(signature.classes)]}
        outputs.append(scores | {"parameters": {"classes": list(signature.classes)}})
    return {
        "name": model,
        "versions": [str(version)],
        "platform": "volant",
        "inputs": [{"name": field.name, "datatype": column_datatype(field.dtype), "shape": [-1]} for field in signature.inputs],
        "outputs": outputs,
    }


def parse_infer(body: bytes, json_length: int | None, rules: RowRules, names: tuple[str, ...]) -> InferRequest:
    """A request whose JSON is the first ``json_length`` bytes (None: all), binary tensors following in order."""
    if json_length is not None and json_length > len(body):
        raise InvalidInputError(
            "Inference-Header-Content-Length is larger than the body.",
            found=f"{json_length} of {len(body)} bytes",
            field="Inference-Header-Content-Length",
        )
    payload = load_json(body if json_length is None else body[:json_length])
    surplus = payload.keys() - _REQUEST_FIELDS
    if surplus:
        raise InvalidInputError(
            "The request has a field that infer requests do not have.", found=min(surplus)[:80], field=min(surplus)[:80]
        )
    inputs = payload.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise InvalidInputError("'inputs' must be a list of tensors, one per column.", found=type(inputs).__name__, field="inputs")
    tail = memoryview(b"" if json_length is None else body)[json_length or 0 :]
    columns: dict[str, list[Any]] = {}
    for index, tensor in enumerate(inputs):
        name, values, tail = _read_input(index, tensor, tail, rules)
        if name in columns:
            raise InvalidInputError(f"Tensor {name!r} is given twice.", field=name)
        columns[name] = values
    if len(tail):
        raise InvalidInputError("The body has bytes that belong to no tensor.", found=f"{len(tail)} bytes", field="inputs")
    parameters = _parameters(payload, "parameters")
    return InferRequest(id=_id(payload.get("id")), columns=columns, outputs=_wanted(payload.get("outputs"), parameters, names))


def _read_input(index: int, tensor: Any, tail: memoryview, rules: RowRules) -> tuple[str, list[Any], memoryview]:
    place = f"inputs[{index}]"
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str) or tensor.keys() - _INPUT_FIELDS:
        raise InvalidInputError(f"{place} must be an object with name, shape, datatype and data.", found=repr(tensor)[:120], field=place)
    name, datatype = tensor["name"][:200], tensor.get("datatype")
    if datatype not in DATATYPES:
        raise InvalidInputError(
            f"Tensor {name!r} has an unknown datatype.", found=repr(datatype)[:80], next_step=", ".join(DATATYPES), field=name
        )
    count, nested = _rows_of_shape(name, tensor.get("shape"), rules)
    parameters = _parameters(tensor, name)
    if "shared_memory_region" in parameters:
        raise InvalidInputError(f"Tensor {name!r} is in shared memory, which is not offered.", next_step="send the data", field=name)
    size = parameters.get("binary_data_size")
    if size is None:
        return name, read_json(name, datatype, count, tensor.get("data"), nested=nested), tail
    if type(size) is not int or not 0 <= size <= len(tail) or "data" in tensor:
        raise InvalidInputError(
            f"Tensor {name!r} has a binary_data_size that cannot be.", found=f"{repr(size)[:40]}, {len(tail)} bytes left", field=name
        )
    return name, read_binary(name, datatype, count, tail[:size]), tail[size:]


def _rows_of_shape(name: str, shape: Any, rules: RowRules) -> tuple[int, bool]:
    whole = isinstance(shape, list) and 1 <= len(shape) <= 2 and all(type(size) is int and size >= 0 for size in shape)
    if not whole or (len(shape) == 2 and shape[1] != 1):
        raise InvalidInputError(
            f"Tensor {name!r} has a shape that a column cannot have.",
            found=repr(shape)[:80],
            next_step="use [n] or [n, 1], one tensor per column",
            field=name,
        )
    return rules.allow(shape[0]), len(shape) == 2


def _parameters(holder: dict[str, Any], place: str) -> dict[str, Any]:
    parameters = holder.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidInputError("'parameters' must be an object.", found=type(parameters).__name__, field=place)
    return parameters


def _id(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidInputError("'id' must be a text.", found=type(value).__name__, field="id")
    return value or None


def _wanted(outputs: Any, parameters: dict[str, Any], names: tuple[str, ...]) -> tuple[Wanted, ...]:
    default = _flag(parameters, "binary_data_output", otherwise=False)
    if not outputs:
        if outputs not in (None, []):
            raise InvalidInputError("'outputs' must be a list.", found=type(outputs).__name__, field="outputs")
        return tuple(Wanted(name=name, binary=default) for name in names)
    if not isinstance(outputs, list):
        raise InvalidInputError("'outputs' must be a list.", found=type(outputs).__name__, field="outputs")
    wanted: dict[str, Wanted] = {}
    for index, output in enumerate(outputs):
        name = output.get("name") if isinstance(output, dict) else None
        if name not in names or name in wanted:
            raise InvalidInputError(
                f"outputs[{index}] names no output of this model, or one twice.",
                found=repr(name)[:80],
                next_step=f"outputs are {', '.join(names)}",
                field=f"outputs[{index}]",
            )
        own = _parameters(output, f"outputs[{index}]")
        if {"classification", "shared_memory_region"} & own.keys():
            raise InvalidInputError(f"outputs[{index}] asks for an extension that is not offered.", field=f"outputs[{index}]")
        wanted[name] = Wanted(name=name, binary=_flag(own, "binary_data", otherwise=default))
    return tuple(wanted.values())


def _flag(parameters: dict[str, Any], name: str, *, otherwise: bool) -> bool:
    value = parameters.get(name, otherwise)
    if not isinstance(value, bool):
        raise InvalidInputError(f"The parameter {name!r} must be true or false.", found=repr(value)[:80], field=name)
    return value


def render(prediction: Prediction, request: InferRequest, signature: Signature) -> tuple[bytes, int | None]:
    """The answer's body, and the length of its JSON where binary tensors follow."""
    outputs: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for wanted in request.outputs:
        tensor = _output(wanted.name, prediction, signature)
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if wanted.binary:
            blobs.append(write_binary(tensor))
            entry["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            entry["data"] = tensor.data
        outputs.append(entry)
    answer = {"model_name": prediction.model, "model_version": str(prediction.version), "id": request.id or prediction.id}
    head = orjson.dumps(answer | {"outputs": outputs})
    return (head + b"".join(blobs), len(head)) if blobs else (head, None)


def _output(name: str, prediction: Prediction, signature: Signature) -> Tensor:
    count = len(prediction.values)
    if name == PREDICT_PROBA:
        scores = prediction.scores or []
        width = len(signature.classes) if len(scores) == count else 0
        return Tensor(name=name, datatype="FP64", shape=[len(scores), width], data=[score for row in scores for score in row])
    datatype = answer_datatype(signature)
    return Tensor(name=name, datatype=datatype, shape=[count], data=[_as(datatype, value) for value in prediction.values])


def _as(datatype: str, value: Any) -> Any:
    if datatype == "BYTES":
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    return {"FP64": float, "INT64": int, "BOOL": bool}[datatype](value)
