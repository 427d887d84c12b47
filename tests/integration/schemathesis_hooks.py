"""What schemathesis cannot read in the document: why a request that its schemas allow
is refused all the same. Each line is one sentence of the server with its reason; what
is refused by any other one is a finding.

This takes the place of the check positive_data_acceptance, which it calls.
"""

import re

import schemathesis  # type: ignore[import]
from schemathesis.core.failures import FailureGroup  # type: ignore[import]
from schemathesis.openapi.checks import RejectedPositiveData  # type: ignore[import]
from schemathesis.specs.openapi.checks import positive_data_acceptance  # type: ignore[import]

REASONS = (
    # A cursor is what a page before has said, and nothing that anybody could make.
    r"the cursor is none of this (list|stream)",
    # Two examples that differ happen to have the same key: it names one request.
    r"this Idempotency-Key came with another request",
    # JSON Schema counts characters; what is stored is measured in bytes.
    r"must have \d+ to \d+ bytes",
    # JSON knows no largest number and any text as a key; jansson has 64 bits, no NUL.
    r"JSON line \d+, column \d+: (too big (negative )?integer|NUL byte in object key"
    r"|\\u0000 is not allowed)",
    # Where a body may be YAML, it takes an example of that for one of JSON.
    r"the body must be a JSON object$",
    # What lies before now, and which two fields go together, no schema says.
    r"a key cannot expire before it is made",
    r"never_expires and expires_at exclude each other",
    r"with other inputs every task begins anew: leave out from, or inputs",
    # Columns and their values are those of a record, which is named in the path.
    r"there are no such columns, or values of them",
)


def is_told(response: schemathesis.Response) -> bool:
    told = response.json()
    errors = told.get("errors", [])
    # What a workflow file is, `flowforge schema` says, and the rules of the format.
    if any(error.get("code", "").startswith("FF") for error in errors):
        return True
    texts = [told["detail"]] + [error["detail"] for error in errors]
    return any(re.match(reason, text) for reason in REASONS for text in texts)


@schemathesis.check  # type: ignore[misc]
def allowed_data_acceptance(
    ctx: schemathesis.CheckContext,
    response: schemathesis.Response,
    case: schemathesis.Case,
) -> bool | None:
    try:
        outcome: bool | None = positive_data_acceptance(ctx, response, case)
    except (RejectedPositiveData, FailureGroup):
        if is_told(response):
            return None
        raise
    return outcome
