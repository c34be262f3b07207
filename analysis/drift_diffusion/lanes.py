"""Eight numbers computed with as one: a processor's vector as a type the compiler knows.

From node to node the equations are a chain in which each step waits for the one before, and a processor with
them. Eight voltages side by side cost little more than one. A `Lanes` value adds, multiplies and compares
like a number; where a number would take a branch, `where` chooses in each lane. `in_lanes` makes of an array
(..., WIDTH) of numbers the array (...) of lanes in the same memory.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typeconv import Conversion
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model
from numba.np import arrayobj

WIDTH = 8

# a division by zero gives inf, as in NumPy: a step that went wrong is refused by its size
# and no wrapper for Python around what only compiled code calls
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
compiled: Any = njit(**_OPTIONS)
inlined: Any = njit(
    forceinline=True, **_OPTIONS
)  # for the little that takes arrays: no counting of references

_builds_code: Any = intrinsic

_NUMBERS = ir.VectorType(ir.DoubleType(), WIDTH)
_BITS = ir.VectorType(ir.IntType(64), WIDTH)
_FLAGS = ir.VectorType(ir.IntType(1), WIDTH)
_FUSED = ("contract",)  # a product and a sum may share one rounding

_MANTISSA_BITS = 52
_SQRT_HALF = 0x3FE6A09E00000000  # the bits of sqrt(1/2), its last digits dropped
_TO_INTEGER = 1.5 * 2.0**_MANTISSA_BITS  # added, it leaves no digits behind the point
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = (
    0.693147180369123816490,
    1.90821492927058770002e-10,
)  # their sum; the first has short bits
_EXP_RANGE = (-708.0, 709.0)  # where exp(x) is a normal number


class Lanes(types.Type):
    """WIDTH numbers."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        return Conversion.safe if isinstance(other, (types.Float, types.Integer)) else None


class Mask(types.Type):
    """WIDTH answers, yes or no."""

    def __init__(self) -> None:
        super().__init__(name="Mask")


_lanes, _mask = Lanes(), Mask()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _NUMBERS)


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLAGS)


@lower_cast(types.Float, Lanes)
@lower_cast(types.Integer, Lanes)
def _spread(context: Any, builder: Any, kind: Any, to: Any, value: Any) -> Any:
    """One number in every lane."""
    number = context.cast(builder, value, kind, types.float64)
    empty = ir.Constant(_NUMBERS, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, empty, everywhere)


def _operation(function: Any, kinds: tuple[Any, ...], result: Any, build: Callable[..., Any]) -> None:
    """Teach the compiler a function of lanes; numbers among its arguments are spread."""

    def fits(given: Any, wanted: Any) -> bool:
        return given is wanted or (wanted is _lanes and isinstance(given, (types.Float, types.Integer)))

    @infer_global(function)
    class Typed(AbstractTemplate):
        metadata = {"target": "cpu"}  # asked before the compiler's own many: a third of its time

        def generic(self, given: Any, keywords: Any) -> Any:
            of_lanes = any(kind in (_lanes, _mask) for kind in given)
            return signature(result, *kinds) if of_lanes and all(map(fits, given, kinds)) else None

    @lower_builtin(function, *kinds)
    def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return build(builder, *values)


def _of_llvm(name: str) -> Callable[..., Any]:
    def build(builder: Any, x: Any) -> Any:
        kind = ir.FunctionType(_NUMBERS, [_NUMBERS])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f64")
        return builder.call(function, [x])

    return build


_two = (_lanes, _lanes)
_operation(operator.add, _two, _lanes, lambda builder, x, y: builder.fadd(x, y, flags=_FUSED))
_operation(operator.sub, _two, _lanes, lambda builder, x, y: builder.fsub(x, y, flags=_FUSED))
_operation(operator.mul, _two, _lanes, lambda builder, x, y: builder.fmul(x, y, flags=_FUSED))
_operation(operator.truediv, _two, _lanes, lambda builder, x, y: builder.fdiv(x, y))
_operation(operator.neg, (_lanes,), _lanes, lambda builder, x: builder.fneg(x))
_operation(operator.lt, _two, _mask, lambda builder, x, y: builder.fcmp_ordered("<", x, y))
_operation(operator.gt, _two, _mask, lambda builder, x, y: builder.fcmp_ordered(">", x, y))
_operation(operator.and_, (_mask, _mask), _mask, lambda builder, x, y: builder.and_(x, y))
_operation(operator.or_, (_mask, _mask), _mask, lambda builder, x, y: builder.or_(x, y))
_operation(operator.invert, (_mask,), _mask, lambda builder, x: builder.not_(x))
_operation(abs, (_lanes,), _lanes, _of_llvm("fabs"))
_operation(math.sqrt, (_lanes,), _lanes, _of_llvm("sqrt"))
_operation(math.floor, (_lanes,), _lanes, _of_llvm("floor"))


@_builds_code
def where(typingctx: Any, condition: Any, yes: Any, no: Any) -> Any:
    """In each lane one of two numbers."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.select(*values)

    return _lanes(_mask, _lanes, _lanes), build


@_builds_code
def everywhere(typingctx: Any, number: Any) -> Any:
    """One number in every lane."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return values[0]

    return _lanes(_lanes), build


@_builds_code
def in_all(typingctx: Any, condition: Any) -> Any:
    """Whether the answer is yes in every lane."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits = builder.bitcast(values[0], ir.IntType(WIDTH))
        return builder.icmp_unsigned("==", bits, ir.Constant(bits.type, 2**WIDTH - 1))

    return types.boolean(_mask), build


@_builds_code
def in_lanes(typingctx: Any, array: Any) -> Any:
    """The lanes in a contiguous array (..., WIDTH) of numbers; what is written to them is written there."""
    view = types.Array(_lanes, array.ndim - 1, "C", aligned=False)

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        numbers = arrayobj.make_array(array)(context, builder, values[0])
        made = arrayobj.make_array(view)(context, builder)
        arrayobj.populate_array(
            made,
            data=builder.bitcast(numbers.data, _NUMBERS.as_pointer()),
            shape=cgutils.unpack_tuple(builder, numbers.shape)[:-1],
            strides=cgutils.unpack_tuple(builder, numbers.strides)[:-1],
            itemsize=context.get_constant(types.intp, 8 * WIDTH),
            meminfo=numbers.meminfo,
            parent=numbers.parent,
        )
        return arrayobj.impl_ret_borrowed(context, builder, view, made._getvalue())

    return view(array), build


@_builds_code
def row_of_four(typingctx: Any, table: Any, place: Any) -> Any:
    """The four numbers of a row of a contiguous table (n, 4), in each lane those of its own row."""
    row = types.UniTuple(_lanes, 4)

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = arrayobj.make_array(table)(context, builder, values[0]).data
        index, word = builder.fptosi(values[1], _BITS), ir.IntType(32)
        columns = [ir.Constant(_NUMBERS, ir.Undefined) for _ in range(4)]
        for lane in (ir.Constant(word, k) for k in range(WIDTH)):
            first = builder.mul(builder.extract_element(index, lane), ir.Constant(ir.IntType(64), 4))
            for column in range(4):
                address = builder.gep(data, [builder.add(first, ir.Constant(first.type, column))])
                columns[column] = builder.insert_element(columns[column], builder.load(address), lane)
        return context.make_tuple(builder, row, columns)

    return row(table, _lanes), build


def _bits(value: int) -> Any:
    return ir.Constant(_BITS, [value] * WIDTH)


@_builds_code
def _times_power_of_two(typingctx: Any, x: Any, shifted: Any) -> Any:
    """x 2^k for a whole number k given as k + _TO_INTEGER."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x, shifted = (builder.bitcast(value, _BITS) for value in values)
        raised = builder.add(x, builder.shl(shifted, _bits(_MANTISSA_BITS)))
        return builder.bitcast(raised, _NUMBERS)

    return _lanes(_lanes, _lanes), build


@_builds_code
def _split_at_power_of_two(typingctx: Any, x: Any) -> Any:
    """k and m of x = m 2^k with m from sqrt(1/2) to sqrt(2), for a normal number above zero."""
    pair = types.UniTuple(_lanes, 2)

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits, width = builder.bitcast(values[0], _BITS), _bits(_MANTISSA_BITS)
        k = builder.ashr(builder.sub(bits, _bits(_SQRT_HALF)), width)
        m = builder.bitcast(builder.sub(bits, builder.shl(k, width)), _NUMBERS)
        shift = ir.Constant(_NUMBERS, [_TO_INTEGER] * WIDTH)
        shifted = builder.bitcast(builder.add(k, builder.bitcast(shift, _BITS)), _NUMBERS)
        return context.make_tuple(builder, pair, (builder.fsub(shifted, shift), m))

    return pair(_lanes), build


@compiled
def least(a, b):
    return where(a > b, b, a)


@compiled
def most(a, b):
    return where(a < b, b, a)


@compiled
def exp(x):
    """exp(x) to the last digit but one, by 2^k exp(r) with |r| below ln(2)/2; zero and 8e307 at the ends."""
    low, high = _EXP_RANGE
    vanished = x < low
    x = where(x > high, high, where(vanished, low, x))
    shifted = x * _LOG2_E + _TO_INTEGER
    k = shifted - _TO_INTEGER
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    return where(vanished, 0.0, _times_power_of_two(1.0 + r * growth(r), shifted))


@compiled
def growth(r):
    """(exp(r) - 1)/r for |r| below 1/2, by its series."""
    p = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0)
    p = 1.0 / 39916800.0 + r * p
    p = 1.0 / 3628800.0 + r * p
    p = 1.0 / 362880.0 + r * p
    p = 1.0 / 40320.0 + r * p
    p = 1.0 / 5040.0 + r * p
    p = 1.0 / 720.0 + r * p
    p = 1.0 / 120.0 + r * p
    p = 1.0 / 24.0 + r * p
    p = 1.0 / 6.0 + r * p
    p = 0.5 + r * p
    return 1.0 + r * p


@compiled
def log(x):
    """ln x to the last digit but one, for a normal number above zero: k ln 2 + 2 artanh((m - 1)/(m + 1))."""
    k, m = _split_at_power_of_two(x)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = 1.0 / 17.0 + z * (1.0 / 19.0)
    p = 1.0 / 15.0 + z * p
    p = 1.0 / 13.0 + z * p
    p = 1.0 / 11.0 + z * p
    p = 1.0 / 9.0 + z * p
    p = 1.0 / 7.0 + z * p
    p = 1.0 / 5.0 + z * p
    p = 1.0 / 3.0 + z * p
    return k * _LN2_HIGH + (k * _LN2_LOW + 2.0 * (s + s * z * p))
