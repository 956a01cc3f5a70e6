"""``templates/analytics.yaml``: the tables, views and named queries as CloudFormation, generated from tables and SQL.

A view is a Glue table whose text is base64 of a JSON document that holds the SQL. In the template the SQL is readable:
CloudFormation fills in the parameters and does the encoding. A YAML scalar in double quotes folds the lines of a SELECT
into one, as JSON wants it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from textwrap import indent, wrap

from patchlake.core.tables import ColumnType, Table
from patchlake.sources.registry import SOURCES
from patchlake_cli.analytics.statements import RECENT, Settings, Statement, queries, views

type Types = Mapping[str, str]
"""Columns of a view in order, with their types by Athena's names."""

COMMENT_LIMIT = 255
"""Characters that Glue keeps of a column's comment."""

GLUE_TYPES = {
    ColumnType.STRING: "string",
    ColumnType.INT32: "int",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.TIMESTAMP: "timestamp",
}
HIVE_TYPES = {
    "varchar": "string",
    "integer": "int",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
}
"""Glue's types by Athena's, for the columns of a view."""

TRINO_TYPES = {**{name: name for name in HIVE_TYPES}, "timestamp": "timestamp(3)"}
"""The types in the text of a view, by Athena's: its timestamps have milliseconds."""

_HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: >-
  patchlake: the lake in Athena. Tables with partition projection, views, named queries and a workgroup.
  Generated from the tables and from analytics/ by `make generate`; edit those.

Parameters:
  BucketName:
    Type: String
    AllowedPattern: ^[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]$
    Description: The bucket of the lake.
  DatabaseName:
    Type: String
    Default: patchlake
    AllowedPattern: ^[a-z][a-z0-9_]{{0,127}}$
    Description: Name of the Glue database and of the Athena workgroup.
  FirstDay:
    Type: String
    Default: "2026-01-01"
    AllowedPattern: ^\\d{{4}}-\\d{{2}}-\\d{{2}}$
    Description: The first date of the tables patch_states and coverage, YYYY-MM-DD. The views look at the window only.
  WindowDays:
    Type: Number
    Default: {window_days}
    MinValue: 2
    MaxValue: 400
    Description: Days before today that the views look back, at least twice the period of the schedule.
  ScanMaxAgeDays:
    Type: Number
    Default: {scan_max_age_days}
    MinValue: 1
    MaxValue: 365
    Description: Greatest age in days of a scan that still counts; the state of a node with an older one is UNKNOWN.
  BytesScannedLimit:
    Type: Number
    Default: 10737418240
    MinValue: 10000000
    Description: Bytes that one query may scan before Athena cancels it.
  ResultsExpiryDays:
    Type: Number
    Default: 7
    MinValue: 1
    MaxValue: 365
    Description: Days after which query results are deleted.
  KmsKeyArn:
    Type: String
    Default: ""
    AllowedPattern: ^(arn:[a-z-]+:kms:[a-z0-9-]+:\\d{{12}}:key/.+)?$
    Description: A KMS key for query results; empty for keys of S3.

Conditions:
  HasKmsKey: !Not [!Equals [!Ref KmsKeyArn, ""]]

Resources:
  # ─────────────────────────────────────────────────────────────────────────────────────────────────────── workgroup ──
  # Whoever queries does so with these settings: a scan limit, and results in a bucket of their own that forgets them.

  ResultsBucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Metadata:
      checkov:
        skip:
          - id: CKV_AWS_21
            comment: No versions. A result can be queried again, and is meant to be forgotten.
    Properties:
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault: !If
              - HasKmsKey
              - {{ SSEAlgorithm: aws:kms, KMSMasterKeyID: !Ref KmsKeyArn }}
              - {{ SSEAlgorithm: AES256 }}
            BucketKeyEnabled: !If [HasKmsKey, true, !Ref AWS::NoValue]
      OwnershipControls:
        Rules:
          - ObjectOwnership: BucketOwnerEnforced
      PublicAccessBlockConfiguration:
        BlockPublicAcls: true
        BlockPublicPolicy: true
        IgnorePublicAcls: true
        RestrictPublicBuckets: true
      LifecycleConfiguration:
        Rules:
          - Id: expire-results
            Status: Enabled
            ExpirationInDays: !Ref ResultsExpiryDays
            AbortIncompleteMultipartUpload:
              DaysAfterInitiation: 1

  ResultsBucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref ResultsBucket
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: RefuseUnencryptedTransport
            Effect: Deny
            Principal: "*"
            Action: s3:*
            Resource:
              - !GetAtt ResultsBucket.Arn
              - !Sub ${{ResultsBucket.Arn}}/*
            Condition:
              Bool: {{ aws:SecureTransport: "false" }}

  Workgroup:
    Type: AWS::Athena::WorkGroup
    Properties:
      Name: !Ref DatabaseName
      Description: Queries over the lake of patchlake
      # Saved queries and the history would keep the workgroup from being deleted with its stack.
      RecursiveDeleteOption: true
      WorkGroupConfiguration:
        EnforceWorkGroupConfiguration: true
        PublishCloudWatchMetricsEnabled: true
        RequesterPaysEnabled: false
        BytesScannedCutoffPerQuery: !Ref BytesScannedLimit
        EngineVersion:
          SelectedEngineVersion: Athena engine version 3
        ResultConfiguration:
          OutputLocation: !Sub s3://${{ResultsBucket}}/
          ExpectedBucketOwner: !Ref AWS::AccountId
          EncryptionConfiguration: !If
            - HasKmsKey
            - {{ EncryptionOption: SSE_KMS, KmsKey: !Ref KmsKeyArn }}
            - {{ EncryptionOption: SSE_S3 }}

  # ────────────────────────────────────────────────────────────────────────────────────────────────────────── tables ──
  # Partition projection computes the partitions from the date: no crawler, nothing to repair. A twin whose name begins
  # with recent_ has the days of the window only, so that whatever stands on it cannot scan older ones.

  Database:
    Type: AWS::Glue::Database
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseInput:
        Name: !Ref DatabaseName
        Description: Patch states of every node that AWS Systems Manager lists
"""
_TABLE = """
  {logical_id}:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Database
      TableInput:
        Name: {name}
        Description: {description}
        TableType: EXTERNAL_TABLE
        Parameters:
          EXTERNAL: "TRUE"
          classification: parquet
          projection.enabled: "true"
          projection.run_date.type: date
          projection.run_date.format: yyyy-MM-dd
          projection.run_date.range: !Sub {range}
          projection.run_date.interval: "1"
          projection.run_date.interval.unit: DAYS
          storage.location.template: !Sub s3://${{BucketName}}/lake/{folder}/run_date=${{!run_date}}/
        PartitionKeys:
          - {{ Name: run_date, Type: string, Comment: "The run's UTC date, YYYY-MM-DD" }}
        StorageDescriptor:
          Location: !Sub s3://${{BucketName}}/lake/{folder}/
          InputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat
          OutputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat
          SerdeInfo:
            SerializationLibrary: org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe
          Columns:
"""
_VIEW = """
  {logical_id}:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Database
      TableInput:
        Name: {name}
        Description: {description}
        TableType: VIRTUAL_VIEW
        Parameters: {{ presto_view: "true", comment: Presto View }}
        ViewExpandedText: /* Presto View */
        ViewOriginalText: !Sub
          - "/* Presto View: ${{View}} */"
          - View:
              Fn::Base64: !Sub
                - >-
                  {{"originalSql": "${{Sql}}", "catalog": "awsdatacatalog", "schema": "${{DatabaseName}}", "columns": [
{columns}
                  ]}}
                - Sql: {sub}"
{sql}
                    "
        StorageDescriptor:
          SerdeInfo: {{}}
          Columns:
"""
_QUERY = """
  {logical_id}:
    Type: AWS::Athena::NamedQuery
    Properties:
      Name: {name}
      Description: {description}
      Database: !Ref Database
      WorkGroup: !Ref Workgroup
      QueryString: |
{sql}
"""
_BANNERS = {
    "views": """
  # ─────────────────────────────────────────────────────────────────────────────────────────────────────────── views ──
  # analytics/views, in the order in which they stand on one another.
""",
    "queries": """
  # ───────────────────────────────────────────────────────────────────────────────────────────────────────── queries ──
  # analytics/queries, in the order of the questions.
""",
}
_OUTPUTS = """
Outputs:
  DatabaseName:
    Description: The Glue database
    Value: !Ref Database
  WorkgroupName:
    Description: The Athena workgroup
    Value: !Ref Workgroup
  ResultsBucketName:
    Description: The bucket of the query results
    Value: !Ref ResultsBucket
"""


def analytics_template(view_types: Mapping[str, Types]) -> str:
    """Return the whole template.

    Args:
        view_types: the columns of each view.
    """
    defaults = Settings()
    head = _HEAD.format(window_days=defaults.window_days, scan_max_age_days=defaults.scan_max_age_days)
    tables = "".join(
        _table(table, prefix, dates)
        for table in SOURCES.tables
        for prefix, dates in (("", "${FirstDay},NOW"), (RECENT, "NOW-${WindowDays}DAYS,NOW"))
    )
    return "".join(
        (
            head,
            tables,
            _BANNERS["views"],
            *(_view(view, view_types[view.name]) for view in views()),
            _BANNERS["queries"],
            *(_query(query) for query in queries()),
            _OUTPUTS,
        )
    )


def comment(description: str) -> str:
    """Return as many sentences of a description as Glue keeps."""
    kept = ""
    for sentence in re.split(r"(?<=[.;:]) ", description):
        if len(kept) + len(sentence) >= COMMENT_LIMIT:
            break
        kept = f"{kept} {sentence}".strip()
    return kept.rstrip(".;:")


def _table(table: Table, prefix: str, dates: str) -> str:
    recent = " Only the days of the window." if prefix else ""
    resource = _TABLE.format(
        logical_id=_logical_id(prefix + table.name, "Table"),
        name=prefix + table.name,
        description=json.dumps(table.description + recent),
        range=dates,
        folder=table.name,
    )
    return resource + "".join(
        f"            - {{ Name: {column.name}, Type: {GLUE_TYPES[column.type]}, "
        f"Comment: {json.dumps(comment(column.description))} }}\n"
        for column in table
    )


def _view(view: Statement, types: Types) -> str:
    if '"' in view.sql or "\\" in view.sql or "--" in view.sql:
        raise ValueError(f"{view.name}: a view cannot hold double quotes, backslashes or -- comments")
    columns = ", ".join(f'{{"name":"{name}","type":"{TRINO_TYPES[kind]}"}}' for name, kind in types.items())
    resource = _VIEW.format(
        logical_id=_logical_id(view.name, "View"),
        name=view.name,
        description=json.dumps(view.question),
        columns=indent("\n".join(wrap(columns, 100, break_on_hyphens=False, break_long_words=False)), " " * 18),
        sub="!Sub " if "${" in view.sql else "",
        sql=indent(view.sql.rstrip(), " " * 20),
    )
    return resource + "".join(
        f"            - {{ Name: {name}, Type: {HIVE_TYPES[kind]} }}\n" for name, kind in types.items()
    )


def _query(query: Statement) -> str:
    header = _header(
        [query.question, f"Rows: {query.rows}", *(f"{name}: {text}" for name, text in query.parameters.items())]
    )
    return _QUERY.format(
        logical_id=_logical_id(query.name, "Query"),
        name=query.name,
        description=json.dumps(f"{query.number}. {query.question}"),
        sql=indent(f"{header}\n{query.sql.rstrip()}", " " * 8),
    )


def _header(lines: Iterable[str]) -> str:
    return "\n".join(f"-- {part}" for line in lines for part in wrap(line, 100))


def _logical_id(name: str, kind: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) + kind
