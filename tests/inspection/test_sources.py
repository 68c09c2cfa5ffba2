import os

import pytest

from revproxy.errors import ConfigError
from revproxy.inspection.sources import FILE_BYTES, read_signature_files, shipped_signatures


def test_files_as_named_and_folders_sorted(tmp_path):
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "z.yaml").write_text("z")
    (tmp_path / "d/b.yaml").write_text("b")
    (tmp_path / "d/e/a.yml").write_text("a")
    (tmp_path / "d/readme.md").write_text("no")
    found = read_signature_files([tmp_path / "z.yaml", str(tmp_path / "d")])
    assert [text for _, text in found] == ["z", "b", "a"]
    assert found[0][0] == str(tmp_path / "z.yaml")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfx: 1")
    assert read_signature_files([tmp_path])[0][1] == "x: 1"


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_signature_files([tmp_path / "gone.yaml"])
    assert caught.value.where.file == str(tmp_path / "gone.yaml")
    assert "No such file" in caught.value.message


def test_empty_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"no \.yaml file"):
        read_signature_files([tmp_path])


def test_what_is_neither_a_file_nor_a_folder(tmp_path):
    os.mkfifo(tmp_path / "a.yaml")
    for name in (tmp_path / "a.yaml", "/dev/null"):
        with pytest.raises(ConfigError, match="neither a file nor a folder"):
            read_signature_files([name])


def test_not_utf8_tells_the_line(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError) as caught:
        read_signature_files([tmp_path])
    assert caught.value.where.line == 2


def test_too_large(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"#" * (FILE_BYTES + 1))
    with pytest.raises(ConfigError, match="larger"):
        read_signature_files([tmp_path])


def test_the_shipped_folder_is_found():
    assert (shipped_signatures() / "sql.yaml").is_file()
