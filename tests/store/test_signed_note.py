"""Signed notes: the vector of the reference implementation, and whatever was changed is refused."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from store.errors import BadInput
from store.signed_note import Checkpoint, PublicKey, fingerprint, raw_public, read_checkpoint, read_note, sign

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SKEY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n\u2014 PeterNeumann {SIGNED}\n"
"""From the documentation of golang.org/x/mod/sumdb/note."""


def test_the_vector_of_the_reference_implementation() -> None:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SKEY)[1:])
    assert sign(TEXT, private, name="PeterNeumann") == NOTE
    key = PublicKey("PeterNeumann", raw_public(private))
    assert key.vkey == VKEY and PublicKey.read(VKEY) == key
    assert read_note(NOTE).signed_by([key]) == key and read_note(NOTE).text == TEXT


@given(at=st.integers(0, len(NOTE.encode()) - 1), bit=st.integers(0, 7))
def test_no_bit_can_be_changed(at: int, bit: int) -> None:
    content = bytearray(NOTE.encode())
    content[at] ^= 1 << bit
    try:
        note = read_note(content.decode())
    except (ValueError, UnicodeDecodeError):
        return
    assert note.signed_by([PublicKey.read(VKEY)]) is None or (note.text, note.signatures) == (
        TEXT,
        read_note(NOTE).signatures,
    )


def test_another_key_of_the_same_name_has_not_signed() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert read_note(sign(TEXT, other, name="PeterNeumann")).signed_by([PublicKey.read(VKEY)]) is None


def test_a_signature_of_somebody_unknown_does_not_stand_in_the_way() -> None:
    witness = sign(TEXT, Ed25519PrivateKey.from_private_bytes(bytes(32)), name="witness").partition("\n\n")[2]
    for content in (NOTE + witness, NOTE.replace("\n\n", "\n\n" + witness)):
        assert read_note(content).signed_by([PublicKey.read(VKEY)]) is not None


@pytest.mark.parametrize("text", ["", "a", "a\n\nb\n", "a\n\n"])
def test_what_is_no_text_of_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="newline"):
        sign(text, Ed25519PrivateKey.from_private_bytes(bytes(32)), name="x")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n- name aaaa\n",
        "text\n\n\u2014 name\n",
        "text\n\n\u2014 name AAAA\n",
        NOTE[:-1],
    ],
)
def test_what_is_no_note_is_refused(content: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # several reasons, one kind of refusal
        read_note(content)


@pytest.mark.parametrize(
    "vkey", ["", "x", VKEY.replace("c7", "c8"), VKEY[:-4], VKEY.replace("Peter", "Pe er"), "a+b+c"]
)
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadInput, match="no key"):
        PublicKey.read(vkey)


def test_a_checkpoint_reads_as_it_was_written() -> None:
    made = Checkpoint("harbour/0a1b2c3d/audit", 481, "12" * 32)
    assert read_checkpoint(made.text) == made == read_checkpoint(made.text + "an extension line\n")


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "a\n1\nAAAA\n", "a\n1\n!\n", "\n1\nAAAA\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # several reasons, one kind of refusal
        read_checkpoint(text)


def test_a_fingerprint_is_what_people_can_read_out() -> None:
    assert fingerprint(bytes(32)) == "SHA256:6668 7aad f862 bd77 6c8f c18b 8e9f 8e20"
