"""What cdk-nag finds and we accept, each with its reason."""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

from deploy.aws.sizes import Size

PACK = "AwsSolutions::AwsSolutions-"

ACCEPTED = {
    "EC23": "Readers come from anywhere; only ports 80 (redirect) and 443 of the load balancer are open.",
    "RDS11": "Another port hides nothing: the security group lets only the two services in.",
    "SMG4": "No rotation function exists for these: the sources' keys come from the sources; the cache's passwords and "
    "the keys of sessions and seals are rotated as the runbook says. The database's four secrets do rotate.",
    "AEC6": "Users with passwords, key patterns and commands of their own instead of one shared AUTH token.",
    "ECS2": "Settings that are no secret; every secret is a reference.",
    "S1": "The bucket is itself the access log of the load balancer.",
}
# What the small size gives up, and says so.
ACCEPTED_SMALL = {
    "RDS3": "Small: minutes of downtime cost less than a second instance; point-in-time recovery is on.",
    "AEC4": "Small: one node; a lost one takes queued commands along, which the next cadence sends again.",
}
ANY = "These actions know no resources, or the parts behind the star are revisions and ids of our own things."


def note(*stacks: Stack, size: Size) -> None:
    accepted = ACCEPTED if size.database_multi_az else ACCEPTED | ACCEPTED_SMALL
    for stack in stacks:
        _accept(stack, {PACK + rule: reason for rule, reason in accepted.items()})


def wildcards(scope: IConstruct, *findings: str) -> None:
    """Accept exactly these wildcard findings of a policy; a new one is found again."""
    _accept(scope, {f"{PACK}IAM5[{finding}]": ANY for finding in findings})


def _accept(scope: IConstruct, reasons: dict[str, str]) -> None:
    for rule, reason in reasons.items():
        Validations.of(scope).acknowledge(Acknowledgment(id=rule, reason=reason))
