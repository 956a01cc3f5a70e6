"""Each function's environment: read once, checked, and refused by name."""

import os

import pytest

from patchlake.config import CollectConfig, CommitConfig, Config, DiscoverConfig, PlanConfig
from patchlake.errors import ConfigError

ENVIRONMENT = {
    "PATCHLAKE_BUCKET": "patchlake-111122223333",
    "PATCHLAKE_ACCOUNTS": "self",
    "PATCHLAKE_EXCLUDED_ACCOUNTS": "",
    "PATCHLAKE_REGIONS": "eu-central-1, us-east-1",
    "PATCHLAKE_ROLE_NAME": "patchlake-member",
    "PATCHLAKE_EXTERNAL_ID": "",
    "PATCHLAKE_DISCOVER_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/discover",
    "PATCHLAKE_LISTING_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/listing",
    "PATCHLAKE_COLLECT_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/collect",
    "PATCHLAKE_DETAIL_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/detail",
    "PATCHLAKE_COMMIT_QUEUE_URL": "http://127.0.0.1:5000/111122223333/commit",
    "PATCHLAKE_BATCH_SIZE": "2000",
    "PATCHLAKE_CONNECTIONS": "8",
    "PATCHLAKE_DEADLINE_SECONDS": "14400",
    "PATCHLAKE_TICK_SECONDS": "60",
    "PATCHLAKE_MAX_LATENESS_SECONDS": "86400",
    "PATCHLAKE_RETRY_SECONDS": "30",
    "PATCHLAKE_COLLECT_PATCHES": "true",
    "PATCHLAKE_COLLECT_INSTANCES": "true",
    "PATCHLAKE_TAG_KEYS": "Owner, cost:center",
    "PATCHLAKE_DETAIL_DEADLINE_SECONDS": "3600",
    "PATCHLAKE_INCLUDE_SENSITIVE_FIELDS": "false",
}
FUNCTIONS: list[type[Config]] = [PlanConfig, DiscoverConfig, CollectConfig, CommitConfig]
EVERY_FUNCTION = pytest.mark.parametrize("config", FUNCTIONS, ids=lambda config: str(config.__name__))

WRONG = {
    "PATCHLAKE_BUCKET": ["", "Bucket", "ab", "a" * 64, "bucket/key", "s3://bucket", "bucket "],
    "PATCHLAKE_ACCOUNTS": [
        "",
        "all",
        "Self",
        "1" * 11,
        "1" * 13,
        "111122223333,",
        "111122223333 444455556666",
        "organization,111122223333",
        "self,ou-abcd-11111111",
        "ou-abcd",
        "ou-abcd-1111111",
        "OU-abcd-11111111",
        "ou-abcd-11111111-2",
        "r-abc",
        "r-abcd/x",
        "o-abcdefghij",
    ],
    "PATCHLAKE_EXCLUDED_ACCOUNTS": [
        "none",
        " ",
        "1" * 11,
        "1" * 13,
        "111122223333,",
        "self",
        "111122223333;444455556666",
    ],
    "PATCHLAKE_REGIONS": [
        "",
        "eu-central",
        "EU-CENTRAL-1",
        "eu-central-1,",
        "eu-central-1;us-east-1",
        "*",
        "all",
        "All-Enabled",
        "eu-central-1,all-enabled",
    ],
    "PATCHLAKE_ROLE_NAME": ["", "path/role", "a" * 65, "rôle", "role name", "arn:aws:iam::111122223333:role/x"],
    "PATCHLAKE_EXTERNAL_ID": ["x", "with space", "é" * 5, "a" * 1225, "line\n"],
    "PATCHLAKE_DISCOVER_QUEUE_URL": ["", "discover", "arn:aws:sqs:eu-central-1:111122223333:discover"],
    "PATCHLAKE_LISTING_QUEUE_URL": ["", "listing"],
    "PATCHLAKE_COLLECT_QUEUE_URL": ["", "ftp://host/queue", "https://host", "https://host/"],
    "PATCHLAKE_DETAIL_QUEUE_URL": ["", "detail"],
    "PATCHLAKE_COMMIT_QUEUE_URL": ["", "https:///queue", "https://ho st/queue", "https://host/queue\n"],
    "PATCHLAKE_BATCH_SIZE": ["", "0", "-1", "10001", "2e3", "2000.0", "two", " 2000", "２０００"],  # noqa: RUF001
    "PATCHLAKE_CONNECTIONS": ["", "0", "65", "8,0", "0x8"],
    "PATCHLAKE_DEADLINE_SECONDS": ["", "59", "604801", "4h", "1" * 5000],
    "PATCHLAKE_TICK_SECONDS": ["", "0", "901", "1_0"],
    "PATCHLAKE_MAX_LATENESS_SECONDS": ["", "59", "604801", "-60"],
    "PATCHLAKE_RETRY_SECONDS": ["", "-1", "901", "30s"],
    "PATCHLAKE_COLLECT_PATCHES": ["", "True", "patches", "0"],
    "PATCHLAKE_COLLECT_INSTANCES": ["", "True", "instances", "0"],
    "PATCHLAKE_TAG_KEYS": [
        "\udcff",
        "*",
        "Own?r",
        "back\\slash",
        "Owner,",
        ",Owner",
        " ",
        "a" * 129,
        ",".join("k" * 51),
        "a\nb",
    ],
    "PATCHLAKE_DETAIL_DEADLINE_SECONDS": ["", "59", "604801", "1h"],
    "PATCHLAKE_INCLUDE_SENSITIVE_FIELDS": ["", "True", "yes", "1", "false "],
}


def readers_of(variable: str) -> list[type[Config]]:
    return [config for config in FUNCTIONS if variable in config.variables().values()]


def test_plan_reads_its_environment() -> None:
    assert PlanConfig.read(ENVIRONMENT) == PlanConfig(
        bucket="patchlake-111122223333",
        accounts="self",
        excluded_accounts=(),
        regions=("eu-central-1", "us-east-1"),
        discover_queue_url="https://sqs.eu-central-1.amazonaws.com/111122223333/discover",
        listing_queue_url="https://sqs.eu-central-1.amazonaws.com/111122223333/listing",
        commit_queue_url="http://127.0.0.1:5000/111122223333/commit",
        batch_size=2000,
        deadline_seconds=14_400,
        max_lateness_seconds=86_400,
        collect_patches=True,
        collect_instances=True,
        tag_keys=("Owner", "cost:center"),
        detail_deadline_seconds=3600,
        include_sensitive_fields=False,
    )


@pytest.mark.parametrize(
    ("text", "accounts"),
    [
        ("self", "self"),
        ("organization", "organization"),
        ("111122223333", ("111122223333",)),
        ("111122223333, 444455556666", ("111122223333", "444455556666")),
        ("ou-abcd-11111111,111122223333, r-abcd", ("ou-abcd-11111111", "111122223333", "r-abcd")),
    ],
)
def test_accounts_are_self_the_organization_or_a_list(text: str, accounts: str | tuple[str, ...]) -> None:
    assert PlanConfig.read(ENVIRONMENT | {"PATCHLAKE_ACCOUNTS": text}).accounts == accounts


def test_all_enabled_regions_are_a_word_of_their_own() -> None:
    assert PlanConfig.read(ENVIRONMENT | {"PATCHLAKE_REGIONS": "all-enabled"}).regions == "all-enabled"


def test_excluded_accounts_are_a_list_or_nothing() -> None:
    environment = ENVIRONMENT | {"PATCHLAKE_EXCLUDED_ACCOUNTS": "111122223333, 444455556666"}

    assert PlanConfig.read(environment).excluded_accounts == ("111122223333", "444455556666")


def test_an_account_that_is_covered_and_excluded_is_refused_with_both_variables() -> None:
    accounts = {
        "PATCHLAKE_ACCOUNTS": "111122223333,444455556666",
        "PATCHLAKE_EXCLUDED_ACCOUNTS": "777788889999,444455556666",
    }

    with pytest.raises(ConfigError, match="ACCOUNTS and PATCHLAKE_EXCLUDED_ACCOUNTS both name 444455556666: "):
        PlanConfig.read(ENVIRONMENT | accounts)


@EVERY_FUNCTION
def test_a_function_needs_its_own_variables_and_no_others(config: type[Config]) -> None:
    own = {name: ENVIRONMENT[name] for name in config.variables().values()}

    assert config.read(own) == config.read(ENVIRONMENT)


@EVERY_FUNCTION
def test_a_variable_that_is_missing_is_named_with_what_was_expected(config: type[Config]) -> None:
    for variable in config.variables().values():
        environment = {name: value for name, value in ENVIRONMENT.items() if name != variable}
        with pytest.raises(ConfigError, match=f"^{variable} is not set: expected .+"):
            config.read(environment)


@pytest.mark.parametrize(
    ("variable", "value"),
    [(variable, value) for variable, values in WRONG.items() for value in values],
    ids=lambda text: repr(text)[:40],
)
def test_a_variable_that_is_wrong_is_named_with_its_value_and_what_was_expected(variable: str, value: str) -> None:
    for config in readers_of(variable):
        with pytest.raises(ConfigError) as failure:
            config.read(ENVIRONMENT | {variable: value})
        assert str(failure.value).startswith(f"{variable} is {value!r}: expected ")


def test_every_variable_has_wrong_values_in_this_file_and_a_reader() -> None:
    assert WRONG.keys() == ENVIRONMENT.keys()
    assert [variable for variable in ENVIRONMENT if not readers_of(variable)] == []


@pytest.mark.parametrize(
    ("variable", "least", "most"),
    [
        ("PATCHLAKE_BATCH_SIZE", 1, 10_000),
        ("PATCHLAKE_CONNECTIONS", 1, 64),
        ("PATCHLAKE_DEADLINE_SECONDS", 60, 604_800),
        ("PATCHLAKE_TICK_SECONDS", 1, 900),
        ("PATCHLAKE_MAX_LATENESS_SECONDS", 60, 604_800),
        ("PATCHLAKE_RETRY_SECONDS", 0, 900),
    ],
)
def test_a_number_may_be_as_small_and_as_large_as_it_says(variable: str, least: int, most: int) -> None:
    field = variable.removeprefix("PATCHLAKE_").lower()
    for config in readers_of(variable):
        for number in (least, most):
            assert getattr(config.read(ENVIRONMENT | {variable: str(number)}), field) == number
        for number in (least - 1, most + 1):
            with pytest.raises(ConfigError, match=f"a whole number from {least} to {most}"):
                config.read(ENVIRONMENT | {variable: str(number)})


def test_an_external_id_may_be_anything_that_aws_allows_and_nothing_at_all() -> None:
    for external_id in ("", "ab", "a:b/c=d@e.f,g+h-i_j", "a" * 1224):
        assert CollectConfig.read(ENVIRONMENT | {"PATCHLAKE_EXTERNAL_ID": external_id}).external_id == external_id


def test_the_environment_is_the_process_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    assert DiscoverConfig.read() == DiscoverConfig.read(os.environ) == DiscoverConfig.read(ENVIRONMENT)
