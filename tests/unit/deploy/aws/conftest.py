"""The infrastructure, synthesised once for each size: what the tests look at is what CloudFormation would get."""

import json
from pathlib import Path

import pytest

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
OPTIONS = {
    "repository": "example/newsintel",
    "domain": "news.example.org",
    "certificate": CERTIFICATE,
    "email": "oncall@example.org",
}


def synthesise(size, directory):
    from deploy.aws.app import build

    # A finding of cdk-nag raises here.
    assembly = build({**OPTIONS, "size": size}, outdir=str(directory / size)).synth()
    return {stack.stack_name: stack.template_full_path for stack in assembly.stacks}


@pytest.fixture(scope="session")
def template_files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cdk")
    return {size: synthesise(size, directory) for size in ("small", "production")}


@pytest.fixture(scope="session")
def templates(template_files):
    """{(size, stack): template}"""
    return {
        (size, stack): json.loads(Path(path).read_text())
        for size, stacks in template_files.items()
        for stack, path in stacks.items()
    }


@pytest.fixture(scope="session", params=["small", "production"])
def system(request, templates):
    return templates[request.param, "NewsIntel"]


@pytest.fixture(scope="session")
def pipeline(templates):
    return templates["production", "NewsIntelPipeline"]
