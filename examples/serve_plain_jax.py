"""Run an exported model with JAX and NumPy alone: treexlite is not imported.

The file of `tx.export(model, x, "model.safetensors")` is a safetensors file. Its array `program` is
what `jax.export` serialises; the program takes a dict of the arrays `parameters/...`, by their
names, and the inputs. `load` is all that it takes to read it; it compares no checksums, which
`python -m treexlite verify` does.

    python examples/serve.py --quick
    python examples/serve_plain_jax.py runs/serve/model.safetensors --inputs x.npy
"""

import argparse
import json
from pathlib import Path

import jax
import numpy as np
from jax import export


def load(path):
    """Return the program, which has `in_avals` and `call(parameters, x)`, and its parameters."""
    data = memoryview(Path(path).read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")  # the header's length, the header, the arrays
    header = json.loads(bytes(data[8:start]))
    places = {name: item["data_offsets"] for name, item in header.items() if name[0] != "_"}
    found = {name: data[start + first : start + last] for name, (first, last) in places.items()}
    program = export.deserialize(bytearray(found["program"]))
    (shapes, *_), _ = jax.tree.unflatten(program.in_tree, program.in_avals)
    names = {name: f"parameters/{name}" for name in shapes}
    return program, {
        name: np.frombuffer(found[names[name]], shape.dtype).reshape(shape.shape)
        for name, shape in shapes.items()
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Run an exported model with plain JAX.")
    parser.add_argument("model", type=Path, help="a file that tx.export wrote")
    parser.add_argument("--inputs", type=Path, required=True, help="an array, as numpy.save writes")
    options = parser.parse_args(arguments)

    program, parameters = load(options.model)
    outputs = jax.jit(program.call)(parameters, np.load(options.inputs))
    print(json.dumps({"outputs": jax.tree.map(lambda array: np.asarray(array).tolist(), outputs)}))


if __name__ == "__main__":
    main()
