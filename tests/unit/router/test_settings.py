"""The two files are read, checked against each other, and refused with one clear sentence."""

import shutil
from pathlib import Path

import pytest

from services.router.endpoints import Endpoints
from services.router.settings import Configuration, Settings, read_configuration
from shared.configuration import ConfigError
from shared.contracts.configuration import Document
from shared.contracts.requests import Operation
from shared.contracts.routing import TASK
from shared.contracts.stated import REFERENCE, version_of
from shared.contracts.usage import Decision
from shared.contracts.values import Sensitivity
from tests.unit.router.world import decide, request

SHIPPED = Path(__file__).parents[3] / "config"
LOCAL = {"SW_ROUTER_LOCAL_URL": "http://127.0.0.1:9/v1"}
NAMED = REFERENCE.findall((SHIPPED / "models.yaml").read_text(encoding="utf-8"))
EVERYTHING = dict.fromkeys((one for one in NAMED if not one.endswith("_FILE")), "invented") | {
    "SW_ROUTER_LOCAL_URL": "http://127.0.0.1:9/v1",
    "SW_ROUTER_LOCAL_SMALL_URL": "http://127.0.0.1:8/v1",
    "SW_ROUTER_ALEPH_ALPHA_URL": "https://inference.example.de/v1",
}
"""An environment in which every provider of the shipped file is switched on."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped files, to be spoilt."""
    for name in ("models.yaml", "policy.yaml"):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def changed(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def test_the_shipped_files_are_valid_and_name_real_models() -> None:
    configuration = read_configuration(SHIPPED, LOCAL)

    on = {name for name, model in configuration.models.items() if model.disabled is None}
    assert on == {"local-default"}
    assert configuration.policy.residency[Sensitivity.PERSONAL] == {"local", "eu"}
    assert Sensitivity.PUBLIC not in configuration.policy.residency


def test_what_has_no_address_is_off_and_says_which_setting_is_missing() -> None:
    models = read_configuration(SHIPPED, {}).models

    assert models["local-default"].disabled == "SW_ROUTER_LOCAL_URL is not set"
    assert models["local-small"].disabled == "SW_ROUTER_LOCAL_SMALL_URL is not set"


def test_a_fresh_install_answers_every_chat_and_translation_without_anybody_outside() -> None:
    configuration = read_configuration(SHIPPED, LOCAL | {"SW_ROUTER_LOCAL_SMALL_URL": "http://a"})
    policy = configuration.policy
    routes = [policy.default, *policy.tasks.values(), policy.operations[Operation.TRANSLATE]]
    for use_case in policy.use_cases.values():
        routes += [use_case.route, *use_case.tasks.values()]

    for route in routes:
        assert route.strategy == TASK
        assert len(route.models) <= policy.resilience.models_max
        last = configuration.models[policy.aliases.get(route.models[-1], route.models[-1])]
        assert (last.local, last.disabled) == (True, None), route.reason


def test_every_provider_outside_is_off_until_one_key_is_set_and_has_no_agreement(
    tmp_path: Path,
) -> None:
    (tmp_path / "key").write_text("not-a-real-key")
    off = read_configuration(SHIPPED, LOCAL).models
    by_key = read_configuration(SHIPPED, LOCAL | {"SW_ROUTER_OPENAI_KEY": "not-a-real-key"})
    by_file = read_configuration(
        SHIPPED, LOCAL | {"SW_ROUTER_OPENAI_KEY_FILE": str(tmp_path / "key")}
    )

    outside = [model for model in off.values() if not model.local]
    assert len({model.provider for model in outside}) == 11
    assert all(model.disabled and model.agreement is None for model in outside)
    assert off["gpt-5.4"].disabled == "SW_ROUTER_OPENAI_KEY is not set"
    for one in (by_key, by_file):
        assert one.models["gpt-5.4"].disabled is None
        assert one.keys["openai"].get_secret_value() == "not-a-real-key"
        assert one.models["claude-sonnet-4-6"].disabled == "SW_ROUTER_ANTHROPIC_KEY is not set"


def test_another_strategy_for_one_use_case_leaves_all_other_decisions_as_they_were(
    folder: Path,
) -> None:
    before = decisions(read_configuration(SHIPPED, EVERYTHING))
    old = "    reason: standard-application\n"
    weighted = f"{old}    strategy: weighted\n    weights: {{ cost: 1.0 }}\n"
    changed(folder, "policy.yaml", old, weighted)

    after = decisions(read_configuration(folder, EVERYTHING))

    other = {asked for asked in before if before[asked] != after[asked]}
    assert len(before) == 60
    assert other
    # Its task `summary` has a line of its own, which still says `task`.
    assert {use_case for use_case, _, _ in other} == {"offer-writing"}
    assert "summary" not in {task for _, task, _ in other}
    strategies_before = {decision.strategy for decision in before.values()}
    assert strategies_before == {TASK}


def decisions(configuration: Configuration) -> dict[tuple[str, str | None, Sensitivity], Decision]:
    """Return what is decided for each use case, each task and each level."""
    return {
        (use_case, task, level): decide(
            request(use_case=use_case, task=task, sensitivity=level),
            configuration.models,
            configuration.policy,
        ).decision
        for use_case in ("offer-writing", "something-else")
        for task in (None, "creative", "code", "summary", "letter", "unheard-of")
        for level in Sensitivity
    }


async def test_every_shipped_provider_can_be_switched_on() -> None:
    configuration = read_configuration(SHIPPED, EVERYTHING)

    endpoints = endpoints_of(configuration)

    assert {model.name for model in configuration.models.values() if model.disabled} == set()
    assert len(endpoints.names) == len(configuration.models)
    await endpoints.close()


def test_prices_are_whole_nano_units_a_token() -> None:
    price = read_configuration(SHIPPED, {}).models["local-default"].price

    assert (price.input_token_nano, price.output_token_nano) == (50, 200)


def test_the_version_follows_every_byte(folder: Path) -> None:
    before = read_configuration(folder, {}).version
    changed(folder, "policy.yaml", "quality-first", "quality-last")

    after = read_configuration(folder, {}).version

    assert len(before) == 12
    assert before != after


def test_a_folder_has_the_version_that_the_gateway_gives_its_documents() -> None:
    documents = {one: (SHIPPED / one).read_text(encoding="utf-8") for one in Document}

    assert read_configuration(SHIPPED, {}).version == version_of(documents)


def test_a_key_is_read_from_its_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not-a-real-key\n", encoding="utf-8")

    configuration = read_configuration(
        folder, LOCAL | {"SW_ROUTER_LOCAL_KEY_FILE": str(tmp_path / "key")}
    )

    assert configuration.keys["local"].get_secret_value() == "not-a-real-key"
    assert "not-a-real-key" not in repr(configuration)


def test_a_provider_outside_is_off_without_its_key_file_and_one_of_our_own_is_not(
    folder: Path,
) -> None:
    changed(folder, "models.yaml", "    key: ${SW_ROUTER_MISTRAL_KEY}\n", "")

    models = read_configuration(folder, LOCAL).models

    assert models["mistral-large-3"].disabled == "SW_ROUTER_MISTRAL_KEY_FILE is not set"
    assert models["local-default"].disabled is None


def test_a_key_file_that_is_missing_turns_its_provider_off(folder: Path) -> None:
    models = read_configuration(folder, LOCAL | {"SW_ROUTER_LOCAL_KEY_FILE": "no/such/file"}).models

    assert models["local-default"].disabled == "its key file cannot be read"


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("models.yaml", "provider: local", "provider: nobody", "names provider nobody"),
        ("models.yaml", "region: house", "regon: house", "providers.local.region: missing"),
        ("models.yaml", '"0.05"', '"0.0000005"', "more decimals"),
        ("models.yaml", "key_file: ${SW_ROUTER_LOCAL_KEY_FILE}", "key: abc", "local.key"),
        ("policy.yaml", "[local-default, local-small]", "[local-default, gone]", "model gone"),
        ("policy.yaml", "  special: [local]\n", "", "where special texts may go"),
        ("policy.yaml", "default:", "default: [", "not valid YAML"),
    ],
)
def test_a_broken_file_is_refused_with_one_sentence(
    folder: Path, name: str, old: str, new: str, sentence: str
) -> None:
    changed(folder, name, old, new)

    with pytest.raises(ConfigError, match=sentence.replace(".", r"\.")) as refused:
        read_configuration(folder, {})

    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"models\.yaml cannot be read: No such file"):
        read_configuration(tmp_path, {})


def endpoints_of(configuration: Configuration) -> Endpoints:
    return Endpoints.of(configuration, Settings())


def test_a_wire_that_no_plug_in_speaks_is_refused(folder: Path) -> None:
    changed(folder, "models.yaml", "wire: openai", "wire: morse")

    with pytest.raises(ConfigError, match=r"known are .*openai"):
        endpoints_of(read_configuration(folder, LOCAL))


def test_an_address_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="not an http or https address"):
        endpoints_of(read_configuration(folder, {"SW_ROUTER_LOCAL_URL": "127.0.0.1:9"}))


async def test_without_any_address_it_says_that_no_model_can_be_reached(folder: Path) -> None:
    endpoints = endpoints_of(read_configuration(folder, {}))

    await endpoints.probe()

    assert endpoints.remarks["models"].startswith("no model can be reached")


async def test_a_model_that_does_not_listen_is_named(folder: Path) -> None:
    endpoints = endpoints_of(read_configuration(folder, LOCAL))

    await endpoints.probe()

    # Not a word of those that nobody has switched on.
    assert "(local-default: unreachable)" in endpoints.remarks["models"]
