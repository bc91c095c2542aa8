"""Every exception and warning of the library, to catch and to filter.

    try:
        model(x)
    except tx.errors.ShapeError as error:
        print(error.expected, error.received)

All derive from `TreexliteError` or `TreexliteWarning`, and each error also from the builtin that
one would guess. It has four parts, `where`, `expected`, `received` and `fix`, and the `path` of the
module that raised it.
"""

from treexlite._errors import (
    ArgumentError,
    CapturedModuleError,
    CheckpointError,
    CheckpointWarning,
    ContextError,
    CycleError,
    DataError,
    FieldError,
    InitializationError,
    LostMutationError,
    LostMutationWarning,
    MappedWriteError,
    NodeValueError,
    NonFiniteError,
    NotInitializedError,
    PathError,
    RangeError,
    RetraceWarning,
    ShapeError,
    StateDictError,
    StructureError,
    TreexliteError,
    TreexliteWarning,
    UnknownFieldError,
    UnknownNameError,
)

__all__ = [
    "ArgumentError",
    "CapturedModuleError",
    "CheckpointError",
    "CheckpointWarning",
    "ContextError",
    "CycleError",
    "DataError",
    "FieldError",
    "InitializationError",
    "LostMutationError",
    "LostMutationWarning",
    "MappedWriteError",
    "NodeValueError",
    "NonFiniteError",
    "NotInitializedError",
    "PathError",
    "RangeError",
    "RetraceWarning",
    "ShapeError",
    "StateDictError",
    "StructureError",
    "TreexliteError",
    "TreexliteWarning",
    "UnknownFieldError",
    "UnknownNameError",
]
