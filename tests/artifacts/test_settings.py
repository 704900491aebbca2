"""Settings: overrides, nearest key, all faults at once."""

from __future__ import annotations

import pytest

from artifacts.errors import InputError, SettingsError
from artifacts.settings import Settings, apply_overrides, load_settings, overlay


class Lora(Settings):
    rank: int = 8
    alpha: int = 16


class Bf16(Settings):
    bits: int = 16


class Train(Settings):
    epochs: int = 1
    learning_rate: float = 1e-4
    lora: Lora = Lora()
    loras: tuple[Lora, ...] = ()
    maybe: Lora | Bf16 | None = None


def test_overrides_are_read_as_yaml_and_win_over_the_file(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("epochs: 3\nlora: {rank: 4}\n")
    settings = load_settings(Train, path, ["lora.alpha=32", "learning_rate=0.5"])
    assert settings == Train(epochs=3, learning_rate=0.5, lora=Lora(rank=4, alpha=32))


def test_options_not_given_leave_the_file_alone(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("epochs: 3\n")
    assert load_settings(Train, path, epochs=None).epochs == 3
    assert load_settings(Train, path, epochs=5).epochs == 5


def test_unknown_key_names_the_nearest_known_one():
    with pytest.raises(SettingsError, match=r"epohcs: unknown key; did you mean 'epochs'\?"):
        load_settings(Train, overrides=["epohcs=2"])


@pytest.mark.parametrize("key", ["lora.rnak", "loras.0.rnak"])
def test_unknown_nested_key_is_compared_with_the_keys_of_its_group(tmp_path, key):
    path = tmp_path / "train.yaml"
    path.write_text("lora: {rnak: 1}\n" if key.startswith("lora.") else "loras: [{rnak: 1}]\n")
    with pytest.raises(SettingsError, match=rf"{key}: unknown key; did you mean 'rank'\?") as caught:
        load_settings(Train, path)
    assert "epochs" not in str(caught.value)


def test_all_faults_are_reported_at_once_with_the_file(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("epochs: many\nlora: {rank: x}\nfoo: 1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(Train, path)
    assert len(caught.value.faults) == 3
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("override", ["epochs", "=3", "epochs=[1", "epochs.deep=1"])
def test_a_malformed_override_is_refused_with_its_text(override):
    with pytest.raises(SettingsError, match=r"epochs|expected key"):
        load_settings(Train, None, ["epochs=3", override])


def test_a_key_given_twice_is_refused_with_its_line(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("epochs: 1\nlora: {}\nepochs: 2\n")
    with pytest.raises(InputError, match=r"train\.yaml:3: .*'epochs' is given twice"):
        load_settings(Train, path)


def test_a_key_that_is_a_list_is_refused_with_its_line(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("epochs: 1\n? [a, b]\n: 2\n")
    with pytest.raises(InputError, match=r"train\.yaml:2: .*a key is a list"):
        load_settings(Train, path)


def test_yaml_tags_that_build_objects_are_refused(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("epochs: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(InputError, match=r"train\.yaml:1"):
        load_settings(Train, path)


def test_a_list_where_keys_belong_is_refused(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("- 1\n")
    with pytest.raises(SettingsError, match="found list"):
        load_settings(Train, path)


def test_resolved_holds_every_value_json_ready():
    assert Train().resolved() == {
        "epochs": 1, "learning_rate": 1e-4, "lora": {"rank": 8, "alpha": 16}, "loras": [], "maybe": None,
    }  # fmt: skip


def test_groups_of_keys_are_joined_at_every_depth_and_anything_else_is_replaced():
    under = {"a": 1, "group": {"kept": 1, "deep": {"kept": 1, "new": 1}, "list": [1, 2]}, "off": {"x": 1}}
    given = {"group": {"deep": {"new": 2}, "list": [3]}, "off": None, "more": {"y": 1}}
    assert overlay(under, given) == {
        "a": 1,
        "group": {"kept": 1, "deep": {"kept": 1, "new": 2}, "list": [3]},
        "off": None,
        "more": {"y": 1},
    }
    assert under["group"]["deep"] == {"kept": 1, "new": 1}, "what lies under is not changed"


def test_an_override_steps_into_a_list_by_index():
    data = {"loras": [{"rank": 1}, {"rank": 2}]}
    apply_overrides(data, ["loras.1.rank=5", "loras.0.deep.key=x"])
    assert data == {"loras": [{"rank": 1, "deep": {"key": "x"}}, {"rank": 5}]}
    apply_overrides(data, ["loras.0={rank: 7}"])
    assert data["loras"][0] == {"rank": 7}
    for wrong in ("loras.2.rank=1", "loras.first.rank=1", "loras.-1=1"):
        with pytest.raises(SettingsError, match=r"is no entry of that list; entries: 0 to 1"):
            apply_overrides(data, [wrong])
    with pytest.raises(SettingsError, match="'rank' holds a value, not a group of keys"):
        apply_overrides(data, ["loras.1.rank.deep=1"])


def test_an_override_is_about_one_place_of_what_an_alias_shares(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text("lora: &common {rank: 4}\nloras: [*common, *common]\n")
    settings = load_settings(Train, path, ["loras.1.rank=9"])
    assert [settings.lora.rank, *(one.rank for one in settings.loras)] == [4, 4, 9]
