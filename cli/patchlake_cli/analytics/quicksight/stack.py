"""What of the stack is written by hand: parameters, the data source with its role, and outputs."""

HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: >-
  patchlake: a QuickSight dashboard over the views of the analytics stack. Optional, and a stack of its own.
  Generated from cli/patchlake_cli/analytics/quicksight/ by `make generate`; edit that.

Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - Label: { default: Who sees it }
        Parameters: [OwnerArn, ReaderArn]
      - Label: { default: Where the lake is }
        Parameters: [BucketName, ResultsBucketName, DatabaseName, WorkgroupName, KmsKeyArn]
      - Label: { default: When it is refreshed }
        Parameters: [RefreshTime, RefreshTimezone]

Parameters:
  OwnerArn:
    Type: String
    AllowedPattern: ^arn:[a-z-]+:quicksight:[a-z0-9-]+:\\d{12}:(user|group)/[^/]+/.+$
    ConstraintDescription: must be the ARN of a QuickSight user or group
    Description: >-
      QuickSight user or group that owns data source, datasets and dashboard. Its ARN names the region in which
      QuickSight keeps users and groups, which may be another than this one.
  ReaderArn:
    Type: String
    Default: ""
    AllowedPattern: ^(arn:[a-z-]+:quicksight:[a-z0-9-]+:\\d{12}:((user|group)/[^/]+/.+|namespace/[^/]+))?$
    ConstraintDescription: must be empty, or the ARN of a QuickSight user, group or namespace
    Description: >-
      QuickSight user, group or namespace (all users of it) that may look at the dashboard and at nothing else. Empty
      means nobody but the owner.
  BucketName:
    Type: String
    AllowedPattern: ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$
    ConstraintDescription: must be the name of a bucket
    Description: The bucket of the lake.
  ResultsBucketName:
    Type: String
    AllowedPattern: ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$
    ConstraintDescription: must be the name of a bucket
    Description: The bucket of the query results, an output of the analytics stack.
  DatabaseName:
    Type: String
    Default: patchlake
    AllowedPattern: ^[a-z][a-z0-9_]{0,127}$
    ConstraintDescription: must be the name of a Glue database
    Description: The Glue database, an output of the analytics stack.
  WorkgroupName:
    Type: String
    Default: patchlake
    AllowedPattern: ^[A-Za-z0-9._-]{1,128}$
    ConstraintDescription: must be the name of an Athena workgroup
    Description: The Athena workgroup, an output of the analytics stack.
  KmsKeyArn:
    Type: String
    Default: ""
    AllowedPattern: ^(arn:[a-z-]+:kms:[a-z0-9-]+:\\d{12}:key/[A-Za-z0-9-]{1,64})?$
    ConstraintDescription: must be empty, or the ARN of a KMS key
    Description: The KMS key of both buckets, as in the other stacks. Empty means that they have none.
  RefreshTime:
    Type: String
    Default: "12:00"
    AllowedPattern: ^([01]\\d|2[0-3]):[0-5]\\d$
    ConstraintDescription: must be a time of day such as 08:00
    Description: >-
      When the datasets are refreshed every day, HH:MM. Later than the schedule plus the deadline of a run: what is
      published afterwards is seen a day later.
  RefreshTimezone:
    Type: String
    Default: UTC
    AllowedPattern: ^[A-Za-z0-9_+/-]{1,50}$
    ConstraintDescription: must be the IANA name of a time zone
    Description: Time zone of RefreshTime, by its IANA name.

Conditions:
  HasReader: !Not [!Equals [!Ref ReaderArn, ""]]
  HasKmsKey: !Not [!Equals [!Ref KmsKeyArn, ""]]

Resources:
  # ───────────────────────────────────────────────────────────────────────────────────────────────────── data source ──
  # QuickSight asks Athena with a role of its own, not with the account-wide one: it may read this lake and no other.

  Role:
    Type: AWS::IAM::Role
    Properties:
      Description: Lets QuickSight query patchlake's views
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: { Service: quicksight.amazonaws.com }
            Action: sts:AssumeRole
      Policies:
        - PolicyName: query-the-lake
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: QueryInTheWorkgroup
                Effect: Allow
                Action:
                  - athena:GetQueryExecution
                  - athena:GetQueryResults
                  - athena:GetQueryResultsStream
                  - athena:GetWorkGroup
                  - athena:StartQueryExecution
                  - athena:StopQueryExecution
                Resource: !Sub arn:${AWS::Partition}:athena:${AWS::Region}:${AWS::AccountId}:workgroup/${WorkgroupName}
              - Sid: DescribeTheViewsToQuickSight
                Effect: Allow
                Action:
                  - athena:GetDataCatalog
                  - athena:GetDatabase
                  - athena:GetTableMetadata
                  - athena:ListDatabases
                  - athena:ListTableMetadata
                Resource: !Sub arn:${AWS::Partition}:athena:${AWS::Region}:${AWS::AccountId}:datacatalog/AwsDataCatalog
              - Sid: ReadTheDatabase
                Effect: Allow
                Action: [glue:GetDatabase, glue:GetPartitions, glue:GetTable, glue:GetTables]
                Resource:
                  - !Sub arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:catalog
                  - !Sub arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:database/${DatabaseName}
                  - !Sub arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:table/${DatabaseName}/*
              - Sid: FindTheBuckets
                Effect: Allow
                Action: s3:GetBucketLocation
                Resource:
                  - !Sub arn:${AWS::Partition}:s3:::${BucketName}
                  - !Sub arn:${AWS::Partition}:s3:::${ResultsBucketName}
              - Sid: ListTheLake
                Effect: Allow
                Action: s3:ListBucket
                Resource: !Sub arn:${AWS::Partition}:s3:::${BucketName}
                Condition:
                  StringLike: { s3:prefix: lake/* }
              - Sid: ReadTheLake
                Effect: Allow
                Action: s3:GetObject
                Resource: !Sub arn:${AWS::Partition}:s3:::${BucketName}/lake/*
              - Sid: ListResults
                Effect: Allow
                Action: [s3:ListBucket, s3:ListBucketMultipartUploads]
                Resource: !Sub arn:${AWS::Partition}:s3:::${ResultsBucketName}
              - Sid: WriteAndReadResults
                Effect: Allow
                Action: [s3:AbortMultipartUpload, s3:GetObject, s3:ListMultipartUploadParts, s3:PutObject]
                Resource: !Sub arn:${AWS::Partition}:s3:::${ResultsBucketName}/*
              # Where Lake Formation governs the database, it decides by its own grants to this role.
              - Sid: AskLakeFormation
                Effect: Allow
                Action: lakeformation:GetDataAccess
                Resource: "*"
              - !If
                - HasKmsKey
                - Sid: UseTheKeyThroughS3
                  Effect: Allow
                  Action: [kms:Decrypt, kms:GenerateDataKey]
                  Resource: !Ref KmsKeyArn
                  Condition:
                    StringEquals: { kms:ViaService: !Sub "s3.${AWS::Region}.${AWS::URLSuffix}" }
                - !Ref AWS::NoValue

  DataSource:
    Type: AWS::QuickSight::DataSource
    Properties:
      AwsAccountId: !Ref AWS::AccountId
      DataSourceId: !Ref AWS::StackName
      Name: !Sub ${AWS::StackName} (Athena)
      Type: ATHENA
      DataSourceParameters:
        AthenaParameters:
          WorkGroup: !Ref WorkgroupName
          RoleArn: !GetAtt Role.Arn
      SslProperties: { DisableSsl: false }
      Permissions:
        - Principal: !Ref OwnerArn
          Actions:
            - quicksight:DeleteDataSource
            - quicksight:DescribeDataSource
            - quicksight:DescribeDataSourcePermissions
            - quicksight:PassDataSource
            - quicksight:UpdateDataSource
            - quicksight:UpdateDataSourcePermissions

"""
OUTPUTS = """
Outputs:
  DashboardId:
    Description: Id of the dashboard
    Value: !Sub ${AWS::StackName}
  DashboardUrl:
    Description: Where it is opened
    Value: !Sub https://${AWS::Region}.quicksight.aws.amazon.com/sn/dashboards/${AWS::StackName}
  RoleArn:
    Description: Role of the data source, for the policy of a KMS key or a grant of Lake Formation
    Value: !GetAtt Role.Arn
"""
