"""The two files that billing starts from: what they come to, and what is said of a broken one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.billing.settings import read_budgets, read_prices
from shared.configuration import ConfigError

SHIPPED = Path(__file__).parents[3] / "config"
MODEL = """
models:
  local-default:
    provider: local
    anything_else: is the router's
    price: {currency: EUR, input_per_million: "0.007", output_per_million: 0.036,
            source: "energy, estimated", valid_from: 2026-11-01}
  free-of-charge:
    provider: local
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "file.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_price_per_million_tokens_becomes_whole_nano_units_a_token(tmp_path: Path) -> None:
    [row] = read_prices(written(tmp_path, MODEL), "EUR")
    assert (row.provider, row.model) == ("local", "local-default")
    assert (row.price.input_token_nano, row.price.output_token_nano) == (7, 36)
    assert row.valid_from == datetime(2026, 11, 1, tzinfo=UTC)
    assert row.source == "energy, estimated"


def test_the_same_line_has_the_same_id_everywhere_and_a_changed_one_another(tmp_path: Path) -> None:
    [first] = read_prices(written(tmp_path, MODEL), "EUR")
    [again] = read_prices(written(tmp_path, MODEL), "EUR")
    assert first.price.id == again.price.id
    for changed in (
        MODEL.replace("0.036", "0.037"),
        MODEL.replace("energy", "invoice"),
        MODEL.replace("2026-11-01", "2026-11-02"),
    ):
        [row] = read_prices(written(tmp_path, changed), "EUR")
        assert row.price.id != first.price.id


@pytest.mark.parametrize(
    ("found", "replaced_by", "said"),
    [
        ('"0.007"', '"0.0075"', "more decimals than the ledger counts"),
        ('"0.007"', '"-1"', "greater_than_equal"),
        ('"0.007"', "cheap", "input_per_million"),
        ("currency: EUR", "currency: USD", "is in USD, but budgets.yaml counts in EUR"),
        ('source: "energy, estimated",', "", "source: missing"),
        (", valid_from: 2026-11-01", "", "valid_from: missing"),
        ("models:", "modells:", "models: missing"),
        ("price: {", "price: [", "is not valid YAML in line"),
        (MODEL, "", "is empty or a list"),
    ],
)
def test_a_broken_price_stops_the_start_with_one_sentence(
    tmp_path: Path, found: str, replaced_by: str, said: str
) -> None:
    assert found in MODEL
    with pytest.raises(ConfigError) as refused:
        read_prices(written(tmp_path, MODEL.replace(found, replaced_by)), "EUR")
    assert said in str(refused.value)
    assert "file.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml cannot be read: No such file"):
        read_budgets(tmp_path / "nowhere.yaml")


def test_a_tenant_without_a_line_of_its_own_has_the_default_limit(tmp_path: Path) -> None:
    text = """
    currency: EUR
    default: {limit: "100.00", period: month}
    tenants: {nordlys: {limit: "250.50", period: month}}
    """
    plan = read_budgets(written(tmp_path, text))
    assert plan.limit_nano("nordlys") == 250_500_000_000
    assert plan.limit_nano("fjord") == 100_000_000_000


def test_the_shipped_budgets_can_be_used() -> None:
    assert read_budgets(SHIPPED / "budgets.yaml").limit_nano("default") > 0


def test_every_shipped_model_has_a_price_that_is_not_zero_and_says_where_it_comes_from() -> None:
    rows = read_prices(SHIPPED / "models.yaml", read_budgets(SHIPPED / "budgets.yaml").currency)
    assert rows
    for row in rows:
        price = row.price
        assert price.input_token_nano + price.output_token_nano + price.character_nano > 0
        assert len(row.source) > 10, row.model
