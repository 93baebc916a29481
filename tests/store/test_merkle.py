"""The Merkle tree against the vectors of Certificate Transparency, and against the RFC's own recursive definition."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest

from store.merkle import (
    Tree,
    consistency_proof,
    grown,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peaks,
    root,
    root_of_peaks,
    verify_consistency,
    verify_inclusion,
)

LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Leaves and roots of the reference implementation of RFC 6962."""
MOST = 200


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(bytes([at, size])) for at in range(size)]


def test_the_published_roots() -> None:
    hashed = [leaf_hash(bytes.fromhex(text)) for text in LEAVES]
    assert [root(hashed[:size]).hex() for size in range(1, 9)] == list(ROOTS)
    assert root([]) == hashlib.sha256(b"").digest()


def test_a_node_cannot_pass_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_size_and_every_proof(size: int) -> None:
    leaves = leaves_of(size)
    tree, top = Tree.over(leaves), root(leaves)
    assert top == naive_root(leaves) == tree.root() == root_of_peaks(peaks(tree))
    for index in range(size):
        assert verify_inclusion(leaves[index], index, size, tree.inclusion(index), top)
    for first in range(1, size + 1):
        assert verify_consistency(first, size, tree.root(first), top, tree.consistency(first))


def test_a_tree_answers_for_every_size_it_once_had() -> None:
    leaves = leaves_of(70)
    tree = Tree.over(leaves)
    for size in range(71):
        part = leaves[:size]
        assert tree.root(size) == naive_root(part)
        for index in range(size):
            assert tree.inclusion(index, size) == inclusion_proof(part, index)
        for first in range(1, size + 1):
            assert tree.consistency(first, size) == consistency_proof(part, first)
    with pytest.raises(IndexError):
        tree.root(71)


def test_a_tree_grows_from_its_peaks() -> None:
    leaves = leaves_of(70)
    for start in range(71):
        held = peaks(Tree.over(leaves[:start]))
        for end in range(start, 71, 7):
            more, size = grown(held, start, leaves[start:end])
            assert (root_of_peaks(more), size) == (naive_root(leaves[:end]), end)
            assert more == peaks(Tree.over(leaves[:end]))
    with pytest.raises(ValueError, match="peaks"):
        grown([leaves[0]], 3, [])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 32, 33])
def test_forged_inclusion_fails(size: int) -> None:
    leaves = leaves_of(size)
    top, other = root(leaves), leaf_hash(b"another")
    for index in range(size):
        proof = inclusion_proof(leaves, index)
        assert not verify_inclusion(other, index, size, proof, top)
        assert not verify_inclusion(leaves[index], index, size, [*proof, other], top)
        assert not verify_inclusion(leaves[index], index, size, proof, other)
        for elsewhere in range(size):
            if elsewhere != index:
                assert not verify_inclusion(leaves[index], elsewhere, size, proof, top)
        for at in range(len(proof)):
            assert not verify_inclusion(leaves[index], index, size, [*proof[:at], other, *proof[at + 1 :]], top)
            assert not verify_inclusion(leaves[index], index, size, [*proof[:at], *proof[at + 1 :]], top)
    assert not verify_inclusion(leaves[0], -1, size, inclusion_proof(leaves, 0), top)
    assert not verify_inclusion(leaves[0], size, size, inclusion_proof(leaves, 0), top)
    assert not verify_inclusion(leaves[0], 0, 0, [], top)


@pytest.mark.parametrize("size", [2, 3, 7, 8, 13, 32, 33])
def test_forged_consistency_fails(size: int) -> None:
    leaves = leaves_of(size)
    top, other = root(leaves), leaf_hash(b"another")
    for first in range(1, size):
        proof, old = consistency_proof(leaves, first), root(leaves[:first])
        assert not verify_consistency(first, size, other, top, proof)
        assert not verify_consistency(first, size, old, other, proof)
        assert not verify_consistency(first, size, old, top, [*proof, other])
        assert not verify_consistency(first, size, old, top, [])
        for at in range(len(proof)):
            assert not verify_consistency(first, size, old, top, [*proof[:at], other, *proof[at + 1 :]])
            assert not verify_consistency(first, size, old, top, [*proof[:at], *proof[at + 1 :]])
    assert not verify_consistency(0, size, other, top, [])
    assert not verify_consistency(size + 1, size, top, top, [])
    assert not verify_consistency(size, size, top, top, [other])
    assert not verify_consistency(size, size, other, top, [])


def test_what_is_not_there_has_no_proof() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError):
            inclusion_proof(leaves_of(3), index)
    for first in (0, 4):
        with pytest.raises(IndexError):
            consistency_proof(leaves_of(3), first)
