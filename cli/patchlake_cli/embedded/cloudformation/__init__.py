"""CloudFormation on this machine: template.yaml, translated and deployed to the embedded AWS."""
