"""Sequences that grow by one without copying what is already there, yet never change under a reader."""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


class Growing(Sequence[T], Generic[T]):
    """An immutable sequence whose `appended` copy shares its store.

    The newest copy appends in place; appending to an older one copies first, so every copy keeps its values.
    """

    __slots__ = ("_length", "_store")

    def __init__(self, values: Sequence[T] = ()) -> None:
        self._store: list[T] = list(values)
        self._length = len(self._store)

    def appended(self, value: T) -> "Growing[T]":
        """This sequence with one more value at its end; amortised constant time."""
        longer: Growing[T] = Growing.__new__(Growing)
        longer._store = self._store if self._length == len(self._store) else self._store[: self._length]
        longer._store.append(value)
        longer._length = self._length + 1
        return longer

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._store[i] for i in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._store[index % self._length]

    def __iter__(self) -> Iterator[T]:
        store = self._store
        return (store[i] for i in range(self._length))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Growing) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self._length, self._store[0] if self._length else None))

    def __repr__(self) -> str:
        return f"Growing({list(self)!r})"

    def array(self) -> npt.NDArray[Any]:
        """The values as a float64 array of their own."""
        return np.array(self._store[: self._length], dtype=np.float64)
