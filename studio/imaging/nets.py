"""Nets: ONNX models, as far as is needed to cut them, to write them and to run them.

A model is a protobuf message; onnx.proto beside the other contracts has the part of it that is
needed here (docs/adr/0016). Nets run on ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from studio.imaging.image import FloatArray
from studio.imaging.onnx_pb2 import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
)

#: IR version 7 came with opset 12 (onnx, docs/Versioning.md).
_VERSIONS = (7, 12)


def session(model: bytes, *, keeps_memory: bool = False) -> Any:
    """A loaded net; ONNX Runtime lets threads share it.

    keeps_memory: what it works in stays its own between the runs. To ask the system for it anew
    took a quarter of the CPU time of a focus, and its pieces, once freed, lie about: two threads at
    work on pictures of many shapes held 351 MB with it and 439 MB without (2026-11-26).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread: a second one shortens the wait by a third and costs a third more CPU time, most
    # of it spent waiting in a loop (2026-11-25); services have several pictures at work instead.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.enable_cpu_mem_arena = keeps_memory
    # Else the second run would get its memory in one piece, beside all that the first one had.
    options.enable_mem_pattern = not keeps_memory
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def cut(model: bytes, value: str) -> bytes:
    """The part of a model that leads to one value within it, which becomes its only output.

    ONNX Runtime runs all of a model, whichever outputs are asked for. ValueError if the model does
    not have the value, or is none. Inputs of subgraphs (If, Loop) are not followed. Weights that
    are left over stay; the runtime drops them.
    """
    shorter = _parsed(model)
    graph = shorter.graph
    needed, kept = {value}, list[NodeProto]()
    for node in reversed(graph.node):  # a node follows those that it takes from
        if not needed.isdisjoint(node.output):
            needed |= set(node.input) - {""}  # "": an optional one that is left out
            kept.append(node)
    if not kept:
        raise ValueError(f"The model computes no value {value!r}.")
    nodes = kept[::-1]
    del graph.node[:], graph.output[:]
    graph.node.extend(nodes)
    graph.output.append(_value(value))
    return shorter.SerializeToString()


class Net:
    """A model that is being written. Nodes come in the order in which they run."""

    def __init__(self, inputs: Mapping[str, Sequence[int | str]]) -> None:
        """inputs: float32, by name; a side is a number or a symbol for any number."""
        given = [_value(name, dims) for name, dims in inputs.items()]
        self._graph = GraphProto(name="net", input=given)

    def node(self, kind: str, name: str, *takes: str, **given: int | Sequence[int]) -> str:
        """Add an operator with its attributes; returns the name of the one value it gives."""
        attributes = [_attribute(key, value) for key, value in given.items()]
        self._graph.node.append(
            NodeProto(op_type=kind, input=takes, output=[name], attribute=attributes)
        )
        return name

    def constant(self, name: str, values: FloatArray) -> str:
        """Add weights; returns their name."""
        data = np.ascontiguousarray(values, "<f4").tobytes()
        self._graph.initializer.append(
            TensorProto(name=name, dims=values.shape, data_type=TensorProto.FLOAT, raw_data=data)
        )
        return name

    def model(self, *outputs: str) -> bytes:
        """The whole, as a file has it."""
        ir, opset = _VERSIONS
        whole = ModelProto(
            ir_version=ir, opset_import=[OperatorSetIdProto(version=opset)], graph=self._graph
        )
        whole.graph.output.extend(_value(name) for name in outputs)
        return whole.SerializeToString()


def _parsed(model: bytes) -> ModelProto:
    try:
        return ModelProto.FromString(model)
    except DecodeError as error:
        raise ValueError("This is no ONNX model.") from error


def _value(name: str, dims: Sequence[int | str] | None = None) -> ValueInfoProto:
    """A float32 tensor, of a known shape or of any."""
    tensor = TypeProto.Tensor(elem_type=TensorProto.FLOAT)
    for side in dims or ():
        dimension = tensor.shape.dim.add()
        if isinstance(side, int):
            dimension.dim_value = side
        else:
            dimension.dim_param = side
    return ValueInfoProto(name=name, type=TypeProto(tensor_type=tensor))


def _attribute(name: str, value: int | Sequence[int]) -> AttributeProto:
    """An integer or several."""
    if isinstance(value, int):
        return AttributeProto(name=name, type=AttributeProto.INT, i=value)
    return AttributeProto(name=name, type=AttributeProto.INTS, ints=value)
