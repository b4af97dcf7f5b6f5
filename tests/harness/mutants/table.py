"""Every mutant by name."""

from typing import Final

from tests.harness.mutants.answers import answer_mutants
from tests.harness.mutants.forms import form_mutants
from tests.harness.mutants.jobs import job_mutants
from tests.harness.mutants.kinds.effects import effect_mutants
from tests.harness.mutants.kinds.jobs import job_order_mutants
from tests.harness.mutants.kinds.payloads import payload_mutants
from tests.harness.mutants.kinds.requests import verb_and_key_mutants
from tests.harness.mutants.limits import limit_mutants
from tests.harness.mutants.media import media_mutants
from tests.harness.mutants.nested import nested_mutants
from tests.harness.mutants.parameters import parameter_mutants
from tests.harness.mutants.requests import request_mutants

MUTANTS: Final = {
    mutant.name: mutant
    for mutants in (
        parameter_mutants,
        limit_mutants,
        nested_mutants,
        request_mutants,
        form_mutants,
        answer_mutants,
        media_mutants,
        job_mutants,
        payload_mutants,
        verb_and_key_mutants,
        job_order_mutants,
        effect_mutants,
    )
    for mutant in mutants()
}
