"""``templates/quicksight.yaml``: data source with its role, datasets with their refresh, and the dashboard."""

from collections.abc import Sequence

from patchlake_cli.analytics.quicksight.datasets import Source
from patchlake_cli.analytics.quicksight.definition import definition
from patchlake_cli.analytics.quicksight.fields import Json
from patchlake_cli.analytics.quicksight.sheets import CALCULATED, SHEETS
from patchlake_cli.analytics.quicksight.stack import HEAD, OUTPUTS
from patchlake_cli.analytics.quicksight.yaml_text import GetAtt, If, Ref, Sub, resources_text

DATASET_READER = (
    "quicksight:DescribeDataSet",
    "quicksight:DescribeDataSetPermissions",
    "quicksight:DescribeIngestion",
    "quicksight:DescribeRefreshSchedule",
    "quicksight:ListIngestions",
    "quicksight:ListRefreshSchedules",
    "quicksight:PassDataSet",
)
DATASET_OWNER = (
    *DATASET_READER,
    "quicksight:CancelIngestion",
    "quicksight:CreateIngestion",
    "quicksight:CreateRefreshSchedule",
    "quicksight:DeleteDataSet",
    "quicksight:DeleteDataSetRefreshProperties",
    "quicksight:DeleteRefreshSchedule",
    "quicksight:DescribeDataSetRefreshProperties",
    "quicksight:PutDataSetRefreshProperties",
    "quicksight:UpdateDataSet",
    "quicksight:UpdateDataSetPermissions",
    "quicksight:UpdateRefreshSchedule",
)
DASHBOARD_READER = (
    "quicksight:DescribeDashboard",
    "quicksight:ListDashboardVersions",
    "quicksight:QueryDashboard",
)
DASHBOARD_OWNER = (
    *DASHBOARD_READER,
    "quicksight:DeleteDashboard",
    "quicksight:DescribeDashboardPermissions",
    "quicksight:UpdateDashboard",
    "quicksight:UpdateDashboardPermissions",
    "quicksight:UpdateDashboardPublishedVersion",
)
"""QuickSight takes these sets of actions and no others: they are its roles of owner and viewer."""

_DATASETS = """\
  # ──────────────────────────────────────────────────────────────────────────────────────────────────────── datasets ──
  # Copies of the views in SPICE, refreshed once a day. The stack does not wait for the first copy: there may be no run.

"""
_DASHBOARD = """\
  # ─────────────────────────────────────────────────────────────────────────────────────────────────────── dashboard ──

"""


def quicksight_template(datasets: Sequence[Source]) -> str:
    """Return the whole template.

    Args:
        datasets: what the visuals stand on.
    """
    copies = {
        name: body
        for dataset in datasets
        for name, body in (
            (_logical_id(dataset.name, "DataSet"), _dataset(dataset)),
            (_logical_id(dataset.name, "Refresh"), _refresh(dataset)),
        )
    }
    return "".join(
        (
            HEAD,
            _DATASETS,
            resources_text(copies),
            _DASHBOARD,
            resources_text({"Dashboard": _dashboard(datasets)}),
            OUTPUTS,
        )
    )


def _dataset(dataset: Source) -> Json:
    return {
        "Type": "AWS::QuickSight::DataSet",
        "Properties": {
            "AwsAccountId": Ref("AWS::AccountId"),
            "DataSetId": _dataset_id(dataset),
            "Name": Sub(f"${{AWS::StackName}} {dataset.name}"),
            "ImportMode": "SPICE",
            "PhysicalTableMap": {
                "view": {
                    "CustomSql": {
                        "DataSourceArn": GetAtt("DataSource.Arn"),
                        "Name": dataset.name,
                        "SqlQuery": Sub(dataset.sql),
                        "Columns": [{"Name": name, "Type": kind} for name, kind in dataset.columns.items()],
                    }
                }
            },
            "IngestionWaitPolicy": {"WaitForSpiceIngestion": False},
            "Permissions": [{"Principal": Ref("OwnerArn"), "Actions": list(DATASET_OWNER)}],
        },
    }


def _refresh(dataset: Source) -> Json:
    return {
        "Type": "AWS::QuickSight::RefreshSchedule",
        # A reference to the dataset would say so too, but is the account id and the dataset's id in one.
        "DependsOn": _logical_id(dataset.name, "DataSet"),
        "Properties": {
            "AwsAccountId": Ref("AWS::AccountId"),
            "DataSetId": _dataset_id(dataset),
            "Schedule": {
                "ScheduleId": "daily",
                "RefreshType": "FULL_REFRESH",
                "ScheduleFrequency": {
                    "Interval": "DAILY",
                    "TimeOfTheDay": Ref("RefreshTime"),
                    "TimeZone": Ref("RefreshTimezone"),
                },
            },
        },
    }


def _dashboard(datasets: Sequence[Source]) -> Json:
    declared = [
        {"Identifier": dataset.name, "DataSetArn": GetAtt(f"{_logical_id(dataset.name, 'DataSet')}.Arn")}
        for dataset in datasets
    ]
    columns = {dataset.name: dataset.columns for dataset in datasets}
    reader = {"Principal": Ref("ReaderArn"), "Actions": list(DASHBOARD_READER)}
    return {
        "Type": "AWS::QuickSight::Dashboard",
        "Properties": {
            "AwsAccountId": Ref("AWS::AccountId"),
            "DashboardId": Ref("AWS::StackName"),
            "Name": Sub("Patch compliance (${AWS::StackName})"),
            "Permissions": [
                {"Principal": Ref("OwnerArn"), "Actions": list(DASHBOARD_OWNER)},
                If(["HasReader", reader, Ref("AWS::NoValue")]),
            ],
            "Definition": {"DataSetIdentifierDeclarations": declared, **definition(SHEETS, columns, CALCULATED)},
        },
    }


def _dataset_id(dataset: Source) -> Sub:
    return Sub(f"${{AWS::StackName}}-{dataset.name.replace('_', '-')}")


def _logical_id(name: str, kind: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) + kind
