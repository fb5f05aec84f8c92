"""What was sealed comes back whole, or says what happened to it."""

import io
import os
import random
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_system_ops.exceptions import (
    BackupError,
    CutOffError,
    DamagedError,
    KeyFileError,
    ReorderedError,
    SealError,
    WrongKeyError,
)
from django_system_ops.sealing import (
    CHUNK_BYTES,
    Key,
    SealingWriter,
    StoredReader,
    StoredWriter,
    UnsealingReader,
    checked_chunks,
    create_private,
    hash_of_stored,
    new_key,
    read_key_file,
    require_private_directory,
    write_key_file,
)
from django_system_ops.sealing.stream import HEADER_BYTES, TAG_BYTES

KEY = Key(bytes(range(32)))
SEALED_CHUNK = CHUNK_BYTES + TAG_BYTES
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 7]


def sealed(data, key=KEY):
    sink = io.BytesIO()
    writer = SealingWriter(sink, key)
    for start in range(0, len(data), 300_000):
        writer.write(data[start : start + 300_000])
    writer.finish()
    return sink.getvalue()


def unsealed(data, key=KEY):
    reader = UnsealingReader(io.BytesIO(data), key, name="dump.sealed")
    return b"".join(iter(lambda: reader.read(70_000), b""))


@pytest.fixture(scope="module")
def long():
    """What fills two parts and a bit, and how it is sealed."""
    data = random.Random(1).randbytes(2 * CHUNK_BYTES + 5000)
    return data, sealed(data)


@pytest.mark.parametrize("size", SIZES)
def test_comes_back_as_it_was(size):
    data = random.Random(size).randbytes(size)

    assert unsealed(sealed(data)) == data


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_flipped_bit_is_found_wherever_it_is(long, data):
    whole = bytearray(long[1])
    # The borders of the header and of the parts are where a mistake of ours would be.
    borders = st.sampled_from([0, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + SEALED_CHUNK])
    place = data.draw(borders | st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(SealError):
        unsealed(bytes(whole))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_missing_end_is_found_wherever_it_begins(long, data):
    whole = long[1]
    borders = [HEADER_BYTES + n * SEALED_CHUNK for n in range(3)]
    size = data.draw(st.sampled_from(borders) | st.integers(0, len(whole) - 1))

    with pytest.raises(SealError):
        unsealed(whole[:size])


def test_says_that_it_was_cut_off(long):
    for parts in (0, 1, 2):
        with pytest.raises(CutOffError, match=r"dump\.sealed is cut off after"):
            unsealed(long[1][: HEADER_BYTES + parts * SEALED_CHUNK])
    with pytest.raises(CutOffError, match="in its first bytes"):
        unsealed(long[1][:20])


def test_says_that_parts_changed_places(long):
    header, first = long[1][:HEADER_BYTES], long[1][HEADER_BYTES : HEADER_BYTES + SEALED_CHUNK]
    second = long[1][HEADER_BYTES + SEALED_CHUNK : HEADER_BYTES + 2 * SEALED_CHUNK]
    rest = long[1][HEADER_BYTES + 2 * SEALED_CHUNK :]

    with pytest.raises(ReorderedError, match="part 1: here stands what was part 2"):
        unsealed(header + second + first + rest)
    with pytest.raises(ReorderedError, match="part 2: here stands what was part 3"):
        unsealed(header + first + rest)
    with pytest.raises(ReorderedError, match="part 2: here stands what was part 1"):
        unsealed(header + first + first + second + rest)


def test_says_that_a_part_is_damaged(long):
    whole = bytearray(long[1])
    whole[HEADER_BYTES + SEALED_CHUNK + 9] ^= 1

    with pytest.raises(DamagedError, match="part 2 is damaged"):
        unsealed(bytes(whole))


def test_says_that_something_was_added():
    data = b"x" * CHUNK_BYTES

    with pytest.raises(DamagedError, match="something was added"):
        unsealed(sealed(data) + b"more")


def test_says_that_the_key_is_another():
    other = new_key()

    with pytest.raises(WrongKeyError, match=f"the key {KEY.id}, and the key here is {other.id}"):
        unsealed(sealed(b"secret"), other)


def test_same_key_id_with_another_secret_opens_nothing():
    class Imposter(Key):
        @property
        def id(self):
            return KEY.id

    with pytest.raises(DamagedError):
        unsealed(sealed(b"secret"), Imposter(bytes(32)))


@pytest.mark.parametrize("text", [b"", b"-- a plain dump", b"OPSSEAL\0\x02" + bytes(90)])
def test_what_is_no_sealed_file_is_refused(text):
    with pytest.raises(SealError):
        unsealed(text)


def test_part_of_another_file_does_not_fit(long):
    other = sealed(long[0])

    with pytest.raises(SealError):
        unsealed(long[1][: HEADER_BYTES + SEALED_CHUNK] + other[HEADER_BYTES + SEALED_CHUNK :])


def test_same_text_is_sealed_otherwise_each_time():
    assert sealed(b"secret")[HEADER_BYTES:] != sealed(b"secret")[HEADER_BYTES:]


@pytest.mark.parametrize("key", [KEY, None], ids=["sealed", "open"])
@pytest.mark.parametrize("compress", [True, False], ids=["zstd", "raw"])
@pytest.mark.parametrize("size", SIZES)
def test_stored_file_comes_back_with_its_hashes(tmp_path, key, compress, size):
    data = random.Random(size).randbytes(size)

    with StoredWriter(tmp_path / "a.b", key=key, compress=compress) as writer:
        writer.write(data)

    path = tmp_path / writer.stored.name
    assert b"".join(checked_chunks(path, writer.stored, key=key)) == data
    assert hash_of_stored(path) == (writer.stored.stored_bytes, writer.stored.stored_sha256)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [writer.stored.name]
    assert writer.stored.name == f"a.b{'.zst' * compress}{'.sealed' * bool(key)}"


@pytest.mark.parametrize("compress", [True, False], ids=["zstd", "raw"])
@pytest.mark.parametrize("cut", [5, 150_000])
def test_missing_end_is_found_without_a_seal_too(tmp_path, compress, cut):
    with StoredWriter(tmp_path / "dump", key=None, compress=compress) as writer:
        writer.write(random.Random(1).randbytes(200_000))
    path = tmp_path / writer.stored.name
    os.truncate(path, writer.stored.stored_bytes - cut)

    with pytest.raises(SealError):
        list(checked_chunks(path, writer.stored, key=None))


def test_nothing_is_left_of_a_file_that_failed(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        StoredWriter(tmp_path / "dump", key=KEY, compress=True) as writer,
    ):
        writer.write(b"x" * 3 * CHUNK_BYTES)
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "dump").write_text("stays")

    with pytest.raises(FileExistsError, match="dump"):
        StoredWriter(tmp_path / "dump", key=None, compress=False)

    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("dump", "stays")]


def test_link_in_the_way_is_not_followed(tmp_path):
    (tmp_path / "dump.part").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExistsError):
        StoredWriter(tmp_path / "dump", key=None, compress=False)

    (tmp_path / "link").symlink_to(tmp_path / "dump")
    with pytest.raises(BackupError, match="link cannot be read"):
        StoredReader(tmp_path / "link", key=None)


def test_megabyte_that_holds_gigabytes_is_read_in_flat_memory(tmp_path):
    """In a process of its own, whose peak is its own."""
    source = f"""
from pathlib import Path
from django_system_ops.sealing import Key, StoredReader, StoredWriter
path, zeros = Path({str(tmp_path)!r}) / "zeros", bytes(1 << 20)
with StoredWriter(path, key=Key(bytes(32)), compress=True) as writer:
    for _ in range(1500):
        writer.write(zeros)
with StoredReader(path.with_name(writer.stored.name), key=Key(bytes(32))) as reader:
    assert sum(map(len, reader.chunks())) == 1500 << 20
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100  # megabytes; the interpreter and cryptography are in it


def test_key_comes_back_from_its_file(tmp_path):
    key = new_key()
    write_key_file(tmp_path / "key", key)

    found = read_key_file(tmp_path / "key")

    assert (found, found.id) == (key, key.id)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert key.secret.hex() not in repr(key)
    assert str(key.secret) not in repr(key)


def test_key_file_is_never_overwritten(tmp_path):
    (tmp_path / "key").write_text("dear")

    with pytest.raises(KeyFileError, match="exists already"):
        write_key_file(tmp_path / "key", KEY)

    assert (tmp_path / "key").read_text() == "dear"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o700 | 0o001])
def test_key_file_that_others_can_read_is_refused(tmp_path, mode):
    write_key_file(tmp_path / "key", KEY)
    (tmp_path / "key").chmod(mode)

    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key_file(tmp_path / "key")


@pytest.mark.parametrize(
    "text", ["", "OPS-KEY-1-abc", "OPS-KEY-1-" + "A" * 42 + "*", "hunter2", "\xff" * 5000]
)
def test_file_that_holds_no_key_is_refused(tmp_path, text):
    os.close(create_private(tmp_path / "key"))
    (tmp_path / "key").write_text(text, encoding="latin-1")

    with pytest.raises(KeyFileError, match="holds no key") as refused:
        read_key_file(tmp_path / "key")

    assert "hunter2" not in str(refused.value)


def test_missing_key_file_says_how_to_make_one(tmp_path):
    with pytest.raises(KeyFileError, match=r"ops_keygen --output .*/key"):
        read_key_file(tmp_path / "key")


def test_key_that_is_a_pipe_or_a_directory_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)

    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(KeyFileError):
            read_key_file(path)


def test_directory_that_is_open_to_others_is_refused_with_the_command_to_run(tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o750)
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").touch()

    with pytest.raises(BackupError, match=r"Run `chmod 700 .*/backups`"):
        require_private_directory(folder)
    with pytest.raises(BackupError, match="is a symbolic link"):
        require_private_directory(tmp_path / "link")
    with pytest.raises(BackupError, match="is not a directory"):
        require_private_directory(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_directory_of_another_user_is_refused(tmp_path):
    (tmp_path / "backups").mkdir(mode=0o700)
    os.chown(tmp_path / "backups", 12345, -1)

    with pytest.raises(BackupError, match="belongs to user 12345"):
        require_private_directory(tmp_path / "backups")
