"""Signed checkpoints, proofs, changes of keys, exports and restores, on a hub on disk."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from world import NOW, OWNER, SETTINGS, hub_on_disk, viewer_with

from service import checkpoints
from service.backup import write_backup
from service.checkpoints import checkpoint_now, checkpoint_when_due
from service.commands.inspection import verify_audit
from service.commands.sites import add_site
from service.commands.trail import export_trail, prove_event, prove_growth, rotate_key, take_checkpoint
from service.restoring import restore
from service.trail_keys import public_keys, signer
from service.wiring import Hub, open_hub
from store.access import Grant
from store.canonical import canonical_json
from store.errors import BadInput, NotPermitted, Refused, UnknownName
from store.merkle import leaf_hash, verify_consistency, verify_inclusion
from store.signed_note import PublicKey, read_checkpoint, read_note


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = hub_on_disk(tmp_path / "hub")
    sites(made, 5)
    yield made
    made.close()


def sites(hub: Hub, count: int, *, start: int = 0) -> None:
    for number in range(start, start + count):
        add_site(hub, OWNER, name=f"site-{number}")


def whats(hub: Hub, against: str | None = None, **other: str) -> list[str]:
    return [flaw["what"] for flaw in verify_audit(hub, OWNER, data=True, against=against, **other)["flaws"]]


def test_a_checkpoint_is_a_note_that_the_root_key_signed(hub: Hub) -> None:
    made = take_checkpoint(hub, OWNER)
    note = read_note(made["note"])
    (key,) = public_keys(hub)
    assert note.signed_by([key]) == key and made["key"] == key.vkey
    said = read_checkpoint(note.text)
    assert (said.origin, said.size, said.root) == (made["origin"], 6, made["root"])
    assert said.origin.startswith("harbour-credit/") and said.origin.endswith("/audit")
    assert (hub.folder / "checkpoint.txt").read_text() == made["note"]
    found = verify_audit(hub, OWNER, data=True)
    assert found["integrity"] == "intact" and found["signature"]["signed"] == 6 and found["signature"]["since"] == 1
    assert found["anchored"]["kind"] == "handed out" and found["anchored"]["size"] == 6
    assert found["signature"]["root_key"] == key.fingerprint


def test_the_fingerprint_that_init_printed_is_that_of_the_first_event(hub: Hub) -> None:
    (key,) = public_keys(hub)
    assert whats(hub, root_key=key.fingerprint.replace(" ", "")) == []
    assert whats(hub, root_key="SHA256:0000") == ["the root key is another one"]


def test_nothing_new_is_not_signed_twice(hub: Hub) -> None:
    first = checkpoint_now(hub, actor="anna", why="test")
    assert checkpoint_now(hub, actor="anna", why="test") == first
    assert hub.store.reads(OWNER).seq == first["seq"] == 6
    take_checkpoint(hub, OWNER)  # handing it out is an event, and what came since is signed next time
    assert checkpoint_now(hub, actor="anna", why="test")["size"] == 8


def test_a_checkpoint_is_made_when_it_is_due(hub: Hub) -> None:
    assert checkpoint_when_due(hub) is None
    later = Hub(hub.path, hub.config, hub.store, lambda: NOW + timedelta(days=1), hub.random_bytes, hub.salt)
    made = checkpoint_when_due(later)
    assert made is not None and made["why"] == "daily"
    assert checkpoint_when_due(later) is None
    even_later = Hub(hub.path, hub.config, hub.store, lambda: NOW + timedelta(days=9), hub.random_bytes, hub.salt)
    assert checkpoint_when_due(even_later) is None  # nothing came since


def test_a_checkpoint_is_made_after_so_many_events(tmp_path: Path) -> None:
    hub = hub_on_disk(tmp_path / "hub", settings=SETTINGS + "\n[trail]\ncheckpoint_events = 4\n")
    sites(hub, 2)
    assert checkpoint_when_due(hub) is None
    sites(hub, 1, start=2)
    made = checkpoint_when_due(hub)
    assert made is not None and (made["size"], made["why"]) == (4, "4 events")
    sites(hub, 3, start=3)
    assert checkpoint_when_due(hub) is None
    hub.close()


def test_every_event_can_be_proved(hub: Hub) -> None:
    checkpoint_now(hub, actor="anna", why="test")
    sites(hub, 3, start=5)
    for seq in range(hub.store.reads(OWNER).seq + 1):
        proof = json.loads(json.dumps(prove_event(hub, OWNER, seq=seq), default=str))
        note = read_note(proof["checkpoint"])
        said = read_checkpoint(note.text)
        assert note.signed_by([PublicKey.read(key) for key in proof["keys"]]) is not None
        path = [bytes.fromhex(node) for node in proof["path"]]
        leaf = leaf_hash(proof["leaf"].encode())
        assert verify_inclusion(leaf, seq, said.size, path, bytes.fromhex(said.root))
        assert not verify_inclusion(leaf_hash(b"forged"), seq, said.size, path, bytes.fromhex(said.root))
    with pytest.raises(UnknownName, match="no event 999"):
        prove_event(hub, OWNER, seq=999)


def test_growth_can_be_proved(hub: Hub) -> None:
    for first in range(1, 7):
        proof = prove_growth(hub, OWNER, first=first)
        roots = (bytes.fromhex(proof["first_root"]), bytes.fromhex(proof["root"]))
        assert verify_consistency(first, proof["size"], *roots, [bytes.fromhex(node) for node in proof["proof"]])
    for first in (0, 7):
        with pytest.raises(BadInput, match="no trail of"):
            prove_growth(hub, OWNER, first=first)


@pytest.mark.parametrize("role", ["regulator", "site-operator"])
def test_who_may_not_read_the_trail_gets_no_proof(hub: Hub, role: str) -> None:
    someone = viewer_with(Grant(role))
    for act in (
        lambda: take_checkpoint(hub, someone),
        lambda: prove_event(hub, someone, seq=0),
        lambda: export_trail(hub, someone, target=hub.folder / "x.zip"),
        lambda: rotate_key(hub, someone),
    ):
        with pytest.raises(NotPermitted):
            act()


# -- what was signed stays -----------------------------------------------------------------------------------------


def forge(hub: Hub, seq: int) -> None:
    """A careful forger: the leaf stays canonical, and its hash and columns are made to fit."""
    cursor = hub.store.cursor()
    leaf = json.loads(cursor.execute("SELECT leaf FROM audit_leaf WHERE seq = ?", [seq]).fetchall()[0][0])
    text = canonical_json({**leaf, "about": "forged"})
    values = ["forged", text, leaf_hash(text.encode()).hex(), seq]
    cursor.execute("UPDATE audit_leaf SET about = ?, leaf = ?, leaf_hash = ? WHERE seq = ?", values)


def test_a_careful_forger_is_found_by_what_was_signed(hub: Hub) -> None:
    checkpoint_now(hub, actor="anna", why="test")
    (hub.folder / "checkpoint.txt").unlink()
    forge(hub, 2)
    assert whats(hub) == ["events were changed after they were signed"]


def test_nothing_forged_comes_under_a_new_signature(hub: Hub) -> None:
    kept = take_checkpoint(hub, OWNER)["note"]
    forge(hub, 2)
    sites(hub, 3, start=7)
    later = checkpoint_now(hub, actor="anna", why="test")
    assert later["root"] != hub.store.reads(OWNER, later["size"] - 1).root()
    assert "the trail was rewritten" in whats(hub, kept)
    hub.store.cursor().execute("UPDATE checkpoint SET peaks = ['00']")
    sites(hub, 1, start=11)
    with pytest.raises((Refused, ValueError)):
        checkpoint_now(hub, actor="anna", why="test")


def test_truncation_is_found_by_a_checkpoint_kept_elsewhere_and_by_the_copy_beside_the_file(hub: Hub) -> None:
    sites(hub, 4, start=5)
    kept = take_checkpoint(hub, OWNER)["note"]
    cursor = hub.store.cursor()
    for table in ("audit_leaf", "audit_private", "site_version", "checkpoint", "anchor"):
        cursor.execute(f"DELETE FROM {table} WHERE seq >= 7")
    assert whats(hub) == ["the trail is shorter than it was"]  # told by the copy in the hub's folder
    (hub.folder / "checkpoint.txt").unlink()
    assert whats(hub) == []  # consistent in itself: nothing but a checkpoint kept elsewhere tells
    assert whats(hub, kept) == ["the trail is shorter than it was"]


def test_a_whole_hub_made_anew_is_not_the_one_that_signed(hub: Hub, tmp_path: Path) -> None:
    kept = take_checkpoint(hub, OWNER)["note"]
    other = hub_on_disk(tmp_path / "other")
    sites(other, 5)
    take_checkpoint(other, OWNER)
    assert whats(other) == [] and whats(other, kept) == ["the checkpoint was not signed by this hub"]
    other.close()


def test_a_checkpoint_that_was_edited_is_not_believed(hub: Hub) -> None:
    kept = take_checkpoint(hub, OWNER)["note"]
    assert whats(hub, kept) == []
    for edited in (kept.replace("\n6\n", "\n5\n"), kept.replace("harbour", "harbor"), "", kept.partition("\n\n")[0]):
        assert whats(hub, edited) == ["the checkpoint was not signed by this hub"]
    hub.store.cursor().execute("UPDATE checkpoint SET note = replace(note, chr(10) || '6' || chr(10), chr(10) || '5' "
                               "|| chr(10))")  # fmt: skip
    assert "a checkpoint was not signed by the hub's key" in whats(hub)


# -- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_changed_by_both(hub: Hub) -> None:
    before = take_checkpoint(hub, OWNER)["note"]
    old_file = (hub.folder / "keys" / "root.key").read_bytes()
    done = rotate_key(hub, OWNER, reason="yearly")
    assert stat.S_IMODE((hub.folder / "keys" / "root.key").stat().st_mode) == 0o600
    assert not (hub.folder / "keys" / "root.key.next").exists()
    assert (hub.folder / "keys" / "root.key").read_bytes() != old_file
    old, new = public_keys(hub)
    assert (old.fingerprint, new.fingerprint, new.vkey) == (done["old"], done["new"], done["vkey"])
    after = take_checkpoint(hub, OWNER)["note"]
    assert read_note(after).signed_by([new]) and not read_note(after).signed_by([old])
    found = verify_audit(hub, OWNER, data=True, against=before, root_key=old.fingerprint)
    assert found["integrity"] == "intact" and found["against"]["found"] == "grew"
    assert [key["how"] for key in found["signature"]["keys"]] == ["root", "rotated"]
    rotate_key(hub, OWNER)
    assert whats(hub, before) == whats(hub, after) == []
    assert len(checkpoints.rotations(hub)) == 2


def test_a_change_of_keys_that_the_old_key_did_not_sign_is_found(hub: Hub) -> None:
    rotate_key(hub, OWNER)
    cursor = hub.store.cursor()
    seq, leaf = cursor.execute("SELECT seq, leaf FROM audit_leaf WHERE event = 'trail:key:rotated'").fetchall()[0]
    document = json.loads(leaf)
    lines = document["details"]["note"].splitlines(keepends=True)
    document["details"]["note"] = "".join([*lines[:-2], lines[-1]])
    text = canonical_json(document)
    cursor.execute("UPDATE audit_leaf SET leaf = ?, leaf_hash = ? WHERE seq = ?",
                   [text, leaf_hash(text.encode()).hex(), seq])  # fmt: skip
    assert "a change of keys does not hold" in whats(hub)


def test_a_kill_while_the_key_changes_loses_neither(hub: Hub) -> None:
    keys = hub.folder / "keys"
    shutil.copy(keys / "root.key", keys / "kept")
    rotate_key(hub, OWNER)
    (keys / "root.key").replace(keys / "root.key.next")
    (keys / "kept").replace(keys / "root.key")
    assert signer(hub).public == public_keys(hub)[-1]
    assert not (keys / "root.key.next").exists()
    assert take_checkpoint(hub, OWNER)["signature"] == "signed" and whats(hub) == []


def test_without_its_key_nothing_is_signed_and_it_says_so(hub: Hub) -> None:
    (hub.folder / "keys" / "root.key").unlink()
    with pytest.raises(Refused, match="no key"):
        take_checkpoint(hub, OWNER)
    assert verify_audit(hub, OWNER)["signature"]["state"] == "unsigned"


# -- files --------------------------------------------------------------------------------------------------------


def test_an_export_is_an_event_and_holds_what_a_stranger_needs(hub: Hub, tmp_path: Path) -> None:
    rotate_key(hub, OWNER)
    done = export_trail(hub, OWNER, target=tmp_path / "trail.zip")
    with zipfile.ZipFile(tmp_path / "trail.zip") as archive:
        held = {name: archive.read(name).decode() for name in archive.namelist()}
    said = read_checkpoint(read_note(held["checkpoint.txt"]).text)
    lines = held["leaves.jsonl"].splitlines()
    assert said.size == len(lines) == done["leaves"]
    from store.merkle import root

    assert root([leaf_hash(line.encode()) for line in lines]).hex() == said.root
    keys = [PublicKey.read(line) for line in held["keys.txt"].splitlines()[:2]]
    assert read_note(held["checkpoint.txt"]).signed_by(keys) == keys[1]
    event = hub.store.reads(OWNER).events(limit=1)[0]
    assert event["event"] == "trail:file:exported" and event["details"]["leaves"] == len(lines)
    assert verify_audit(hub, OWNER)["anchored"]["kind"] == "export"
    with pytest.raises(BadInput, match="there already"):
        export_trail(hub, OWNER, target=tmp_path / "trail.zip")
    assert export_trail(hub, OWNER, target=tmp_path / "trail.jsonl")["leaves"] == done["leaves"] + 1 + 1


def test_a_restore_into_a_new_folder_says_so(hub: Hub, tmp_path: Path) -> None:
    write_backup(hub, OWNER, target=tmp_path / "copy.zip", with_keys=True)
    done = restore(tmp_path / "copy.zip", hub_dir=tmp_path / "again", environ={})
    assert done["holds"] and done["integrity"] == "restored" and done["seq"] == 5 and done["lost"] is None
    again = open_hub(tmp_path / "again", environ={})
    found = verify_audit(again, OWNER, data=True)
    assert found["holds"] and found["integrity"] == "restored" and found["restored"][0]["to"] == 5
    assert [key["how"] for key in found["signature"]["keys"]] == ["root"]
    again.close()


def test_a_restore_without_keys_brings_a_key_that_nobody_vouches_for(hub: Hub, tmp_path: Path) -> None:
    write_backup(hub, OWNER, target=tmp_path / "copy.zip")
    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        assert not any(name.startswith("keys/") for name in archive.namelist())
    head = take_checkpoint(hub, OWNER)["note"]
    done = restore(tmp_path / "copy.zip", hub_dir=tmp_path / "again", head=head, environ={})
    assert done["keys"] is False and done["holds"]
    again = open_hub(tmp_path / "again", environ={})
    found = verify_audit(again, OWNER, data=True, against=head)
    assert [key["how"] for key in found["signature"]["keys"]] == ["root", "replaced"]
    assert found["against"]["found"] in ("grew", "restored") and found["holds"]
    again.close()


def test_a_restore_in_place_is_a_witnessed_branch(hub: Hub, tmp_path: Path) -> None:
    early = take_checkpoint(hub, OWNER)["note"]
    write_backup(hub, OWNER, target=tmp_path / "copy.zip")
    before = hub.store.reads(OWNER).seq
    sites(hub, 6, start=10)
    lost = take_checkpoint(hub, OWNER)["note"]
    sites(hub, 2, start=20)
    hub.close()
    with pytest.raises(BadInput, match="already holds a hub"):
        restore(tmp_path / "copy.zip", hub_dir=hub.folder, environ={})
    with pytest.raises(BadInput, match="needs a reason"):
        restore(tmp_path / "copy.zip", hub_dir=hub.folder, in_place=True, environ={})
    done = restore(tmp_path / "copy.zip", hub_dir=hub.folder, in_place=True, reason="disk failed", environ={})
    assert done["seq"] == before and done["lost"] == {"from": before + 1, "to": before + 9} and done["holds"]
    assert (Path(done["replaced"]) / "hub.duckdb").exists()
    restored = open_hub(hub.folder, environ={})
    sites(restored, 12, start=30)
    take_checkpoint(restored, OWNER)
    found = verify_audit(restored, OWNER, data=True, against=lost)
    assert found["integrity"] == "restored" and found["holds"] and found["against"]["found"] == "restored"
    assert verify_audit(restored, OWNER, against=early)["against"]["found"] == "grew"
    event = next(e for e in restored.store.reads(OWNER).events() if e["event"] == "hub:file:restored")
    assert event["reason"] == "disk failed" and event["actor"] == OWNER.name
    assert [key["how"] for key in found["signature"]["keys"]] == ["root"]
    # A checkpoint of the same key that no restore tells of is not believed.
    stranger = signer(restored).sign(read_note(lost).text.replace(read_note(lost).text.splitlines()[2], "A" * 43 + "="))
    assert whats(restored, stranger) == ["the trail was rewritten"]
    # The account of what was lost cannot be changed either.
    restored.store.cursor().execute("DELETE FROM lost_leaf WHERE place = (SELECT max(place) FROM lost_leaf)")
    assert "what a restore left is not what was signed" in whats(restored)
    restored.close()


def test_keys_that_were_changed_after_the_backup_are_still_vouched_for(hub: Hub, tmp_path: Path) -> None:
    write_backup(hub, OWNER, target=tmp_path / "copy.zip")
    rotate_key(hub, OWNER)
    lost = take_checkpoint(hub, OWNER)["note"]
    hub.close()
    restore(tmp_path / "copy.zip", hub_dir=hub.folder, in_place=True, reason="test", environ={})
    restored = open_hub(hub.folder, environ={})
    found = verify_audit(restored, OWNER, data=True, against=lost)
    assert [key["how"] for key in found["signature"]["keys"]] == ["root", "rotated"]
    assert found["holds"] and found["against"]["found"] == "restored"
    assert take_checkpoint(restored, OWNER)["signature"] == "signed"
    restored.close()


def test_a_backup_of_another_hub_replaces_nothing(hub: Hub, tmp_path: Path) -> None:
    other = hub_on_disk(tmp_path / "other")
    write_backup(other, OWNER, target=tmp_path / "other.zip")
    other.close()
    hub.close()
    with pytest.raises(Refused, match="not an earlier state"):
        restore(tmp_path / "other.zip", hub_dir=hub.folder, in_place=True, reason="by mistake", environ={})
    again = open_hub(hub.folder, environ={})
    assert verify_audit(again, OWNER, data=True)["integrity"] == "intact"
    again.close()
