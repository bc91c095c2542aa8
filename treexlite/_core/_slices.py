"""Running a traced program in slices that share compiled code.

In: a pruned jaxpr, such as that of an initialisation: many outputs, each from a few equations of
its own. Out: a function that computes the same values. Outputs that have an equation in common form
a *slice*; slices that are equal up to the numbers that they fold into keys (each field has its own)
run one compiled program, so that a network of 200 blocks compiles as fast as one block.

The programs used last are kept, because the next network will have layers of the same sizes. What
draws no random numbers and is like nothing else is compiled together: it costs less than a program
of its own.
"""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend import core

from treexlite._core._registry import is_tracer


class Program:
    """A compiled slice: takes the inputs of the slice, then the numbers that it folds into keys."""

    __slots__ = ("run",)

    def __init__(self, jaxpr: core.Jaxpr, constants: list[Any]) -> None:
        self.run: Callable[..., Any] = jax.jit(
            core.jaxpr_as_fun(core.ClosedJaxpr(jaxpr, constants))
        )


class Step(NamedTuple):
    """One run of a program.

    Attributes:
        program: what to run.
        inputs: which of the arguments it takes.
        numbers: what it folds into keys.
        outputs: which of the results it gives.
    """

    program: Program
    inputs: tuple[int, ...]
    numbers: tuple[np.uint32, ...]
    outputs: tuple[int, ...]


class Sliced:
    """The function that a jaxpr stands for: called with one argument for each input.

    Attributes:
        whole: the same, compiled as one.
        steps: how it is computed slice by slice; empty when it has to be computed as one.
    """

    def __init__(self, closed: core.ClosedJaxpr) -> None:
        self.whole = Program(closed.jaxpr, closed.consts).run
        self.num_outputs = len(closed.jaxpr.outvars)
        self.steps = [] if closed.jaxpr.effects else _steps(closed)

    def __call__(self, *arguments: Any) -> list[Any]:
        """Return one value for each output."""
        if not self.steps or any(map(is_tracer, arguments)):  # an outer trace compiles it anyway
            return list(self.whole(*arguments))
        results: list[Any] = [None] * self.num_outputs
        for program, inputs, numbers, outputs in self.steps:
            values = program.run(*[arguments[n] for n in inputs], *numbers)
            for n, value in zip(outputs, values, strict=True):
                results[n] = value
        return results


_MAX_PROGRAMS = 512
_programs: collections.OrderedDict[Hashable, Program] = collections.OrderedDict()


def _program(key: Hashable, part: _Slice, jaxpr: core.Jaxpr) -> Program:
    """Return the program for all slices with this key."""
    program = _programs.get(key)
    if program is None:
        program = _programs[key] = part.compiled(jaxpr)
        if len(_programs) > _MAX_PROGRAMS:
            _programs.popitem(last=False)
    else:
        _programs.move_to_end(key)
    return program


def _steps(closed: core.ClosedJaxpr) -> list[Step]:
    jaxpr = closed.jaxpr
    groups: dict[Hashable, list[_Slice]] = {}
    rest: list[_Slice] = []
    contexts: dict[int, str] = {}
    for part in _slices(jaxpr):
        key = part.describe(jaxpr, contexts)
        if key is None:
            rest.append(part)
        else:
            groups.setdefault(key, []).append(part)
    steps = []
    for key, parts in groups.items():
        if len(parts) == 1 and not parts[0].numbers and key not in _programs:
            rest += parts
            continue
        program = _program(key, parts[0], jaxpr)
        steps += [Step(program, tuple(p.inputs), tuple(p.numbers), tuple(p.outputs)) for p in parts]
    return [*steps, _together(closed, rest)] if rest else steps


def _together(closed: core.ClosedJaxpr, parts: list[_Slice]) -> Step:
    """Compile slices that are like no others as one program."""
    jaxpr = closed.jaxpr
    outputs = tuple(n for part in parts for n in part.outputs)
    outvars = [jaxpr.outvars[n] for n in outputs]
    equations = [equation for part in parts for equation in part.equations]
    part = _replaced(jaxpr, eqns=equations, outvars=outvars)
    return Step(Program(part, closed.consts), tuple(range(len(jaxpr.invars))), (), outputs)


def _slices(jaxpr: core.Jaxpr) -> list[_Slice]:
    """Put equations and outputs together that depend on each other."""
    made_by: dict[Any, int] = {}
    leader = list(range(len(jaxpr.eqns)))

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = number = leader[leader[number]]
        return number

    for number, equation in enumerate(jaxpr.eqns):
        for v in equation.invars:
            if not isinstance(v, core.Literal) and v in made_by:
                leader[find(made_by[v])] = number
        for v in equation.outvars:
            made_by[v] = number
    found: dict[int, _Slice] = {}
    for number, equation in enumerate(jaxpr.eqns):
        found.setdefault(find(number), _Slice()).equations.append(equation)
    for number, v in enumerate(jaxpr.outvars):
        is_made = not isinstance(v, core.Literal) and v in made_by
        place = find(made_by[v]) if is_made else -1 - number  # else an input, or a constant
        found.setdefault(place, _Slice()).outputs.append(number)
    return list(found.values())


class _Slice:
    """Equations and outputs of a jaxpr that can be computed by themselves.

    Attributes:
        equations: in their order.
        outputs: numbers of the jaxpr's outputs.
        inputs: numbers of the jaxpr's inputs, in order of first use.
        numbers: the literals that are folded into keys.
    """

    def __init__(self) -> None:
        self.equations: list[core.JaxprEqn] = []
        self.outputs: list[int] = []
        self.inputs: list[int] = []
        self.numbers: list[np.uint32] = []

    def describe(self, jaxpr: core.Jaxpr, contexts: dict[int, str]) -> Hashable:
        """Find the inputs and the numbers.

        Args:
            jaxpr: what this is a slice of.
            contexts: a cache for the descriptions of the equations' contexts.

        Returns:
            What is equal for slices that may share a program; None when this may share with none.
        """
        places = {v: number for number, v in enumerate(jaxpr.invars)}
        names: dict[Any, Hashable] = {}

        def name(atom: Any) -> Hashable:
            if isinstance(atom, core.Literal):
                return atom.aval, np.asarray(atom.val).tobytes()
            if atom not in names:
                names[atom] = ("input", len(self.inputs), atom.aval)
                self.inputs.append(places[atom])
            return names[atom]

        try:
            rows: list[Hashable] = []
            for equation in self.equations:
                operands: list[Any] = equation.invars
                if _folds(equation):
                    self.numbers.append(np.uint32(operands[1].val))
                    operands = operands[:1]
                rows.append((_head(equation, contexts), tuple(map(name, operands))))
                for v in equation.outvars:
                    names[v] = len(names)
            rows.append(tuple(name(jaxpr.outvars[number]) for number in self.outputs))
            key = tuple(rows)
            hash(key)
        except (KeyError, TypeError):  # a constant array, or a parameter without a hash
            return None
        return key

    def compiled(self, jaxpr: core.Jaxpr) -> Program:
        """Return the program of this slice."""
        zeros = [np.uint32(0)] * len(self.numbers)
        numbers = jax.make_jaxpr(lambda *ns: ns)(*zeros).jaxpr.invars  # new variables
        remaining = iter(numbers)
        equations = [
            e.replace(invars=[e.invars[0], next(remaining)]) if _folds(e) else e
            for e in self.equations
        ]
        part = _replaced(
            jaxpr,
            constvars=[],
            invars=[*[jaxpr.invars[number] for number in self.inputs], *numbers],
            outvars=[jaxpr.outvars[number] for number in self.outputs],
            eqns=equations,
        )
        return Program(part, [])


def _replaced(jaxpr: core.Jaxpr, **changes: Any) -> core.Jaxpr:
    replaced: core.Jaxpr
    try:
        replaced = jaxpr.replace(**changes)
    except AssertionError:  # older JAX does not adapt the names of inputs and outputs
        replaced = jaxpr.replace(debug_info=None, **changes)
    return replaced


def _folds(equation: core.JaxprEqn) -> bool:
    """Whether this folds a fixed number into a key."""
    if equation.primitive.name != "random_fold_in":
        return False
    number = equation.invars[1]
    aval: Any = number.aval
    return isinstance(number, core.Literal) and aval.dtype == np.uint32


def _head(equation: core.JaxprEqn, contexts: dict[int, str]) -> Hashable:
    """Describe everything of an equation but its operands."""
    context = contexts.get(id(equation.ctx))
    if context is None:
        context = contexts[id(equation.ctx)] = repr(equation.ctx)
    params = tuple([(name, _param_key(value)) for name, value in equation.params.items()])
    return equation.primitive, params, tuple([v.aval for v in equation.outvars]), context


_CLOSURES = (types.FunctionType, types.MethodType, functools.partial)


def _param_key(value: Any) -> Hashable:
    """Keep apart what Python calls equal: `1`, `1.0` and `True`, `0.0` and `-0.0`."""
    if type(value) is tuple:
        return tuple(map(_param_key, value))
    if isinstance(value, _CLOSURES):
        raise TypeError("a function, which may hold on to anything")
    return type(value), value.hex() if type(value) is float else value
