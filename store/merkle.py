"""The Merkle tree of RFC 6962, section 2.1, and the proofs of RFC 9162, section 2.1: pure functions over leaf hashes.

Leaves are hashed under a 0x00 prefix and nodes under 0x01, so that neither can pass for the other. A `Tree` holds the
complete subtrees once, so that the root at every earlier size and every proof cost a handful of hashes more.
Proofs are checked without a tree: lengths are looked at before anything is believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two smaller than size."""
    return 1 << ((size - 1).bit_length() - 1)


@dataclass(frozen=True, slots=True)
class Tree:
    """`levels[k][i]` is the root over the leaves [i * 2**k, (i + 1) * 2**k), wherever that many are there."""

    levels: tuple[Sequence[bytes], ...]

    @classmethod
    def over(cls, leaves: Sequence[bytes]) -> Tree:
        sha256, level = hashlib.sha256, leaves
        levels = [level]
        while len(level) > 1:
            pairs = iter(level)
            level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
            levels.append(level)
        return cls(tuple(levels))

    @property
    def size(self) -> int:
        return len(self.levels[0])

    def root(self, size: int | None = None) -> bytes:
        """Root over the first `size` leaves (None: all); the SHA-256 of nothing for no leaves."""
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise IndexError(f"the first {size} of {self.size} leaves")
        return self._over(0, size) if size else hashlib.sha256(b"").digest()

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Audit path of one leaf, bottom first (RFC 6962, 2.1.1); IndexError where there is no such leaf."""
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise IndexError(f"leaf {index} of {size}")
        path, start, end = [], 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._over(middle, end))
                end = middle
            else:
                path.append(self._over(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, first: int, size: int | None = None) -> list[bytes]:
        """Proof that the tree of the first leaves is a prefix of this one (RFC 6962, 2.1.2)."""
        size = self.size if size is None else size
        if not 0 < first <= size <= self.size:
            raise IndexError(f"prefix {first} of {size}")
        proof, start, end, whole = [], 0, size, True
        while first < end:
            middle = start + _split(end - start)
            if first <= middle:
                proof.append(self._over(middle, end))
                end = middle
            else:
                proof.append(self._over(start, middle))
                start, whole = middle, False
        return [*([] if whole else [self._over(start, end)]), *proof[::-1]]

    def _over(self, start: int, end: int) -> bytes:
        """Root over the leaves [start, end), a stretch as the RFC's splitting makes them."""
        width = end - start
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self.levels[level][start >> level]
        middle = start + _split(width)
        return node_hash(self._over(start, middle), self._over(middle, end))


def root(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes; the SHA-256 of nothing for no leaves."""
    return Tree.over(leaves).root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    return Tree.over(leaves).inclusion(index)


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    return Tree.over(leaves).consistency(first)


# -- continuing a tree from its peaks -----------------------------------------------------------------------------


def peaks(tree: Tree) -> list[bytes]:
    """The complete subtrees of the tree, largest first: all that is needed to continue it."""
    out, start = [], 0
    for level in reversed(range(tree.size.bit_length())):
        if tree.size >> level & 1:
            out.append(tree.levels[level][start >> level])
            start += 1 << level
    return out


def grown(held: Sequence[bytes], size: int, leaves: Iterable[bytes]) -> tuple[list[bytes], int]:
    """Peaks and size of the tree of `size` leaves with these peaks once more leaves have come."""
    if len(held) != size.bit_count():
        raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(held)}")
    out = list(held)
    for leaf in leaves:
        node, rest = leaf, size
        while rest & 1:
            node, rest = node_hash(out.pop(), node), rest >> 1
        out.append(node)
        size += 1
    return out, size


def root_of_peaks(held: Sequence[bytes]) -> bytes:
    if not held:
        return hashlib.sha256(b"").digest()
    node = held[-1]
    for peak in reversed(held[:-1]):
        node = node_hash(peak, node)
    return node


# -- checking proofs ----------------------------------------------------------------------------------------------


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether the leaf hash stands at index in the tree of that size with that root."""
    if not 0 <= index < size:
        return False
    node, last, at, used = leaf, size - 1, index, 0
    while last:
        if at % 2 or at < last:
            if used == len(proof):
                return False
            node = node_hash(proof[used], node) if at % 2 else node_hash(node, proof[used])
            used += 1
        at, last = at // 2, last // 2
    return used == len(proof) and node == expected


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of size `second` extends the tree of size `first` (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at % 2:
        at, last = at // 2, last // 2
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            new = node_hash(new, node)
        at, last = at // 2, last // 2
    return last == 0 and old == first_root and new == second_root
