"""One operation, struck at one call, and what is judged after it."""

from dataclasses import dataclass, field

import check
from operations import Operation
from place import Aim, Broken, Place

HOWS = ("before", "after", "torn")
TEARABLE = ("write", "pwrite", "pwrite64", "send")  # of others "torn" is "after"


@dataclass
class Score:
    """Of many kills."""

    kills: int = 0
    with_work: int = 0
    operations: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"crash: {self.kills} kills, {self.with_work} with work open, "
            f"{len(self.operations)} operations, {len(self.violations)} violations"
        )


def named(place: Place, aim: Aim) -> list[str]:
    return place.trace() if aim.point is None else place.passes()


def judge(operation: Operation, place: Place, died: bool) -> list[str]:
    try:
        operation.settle(place)
    except Broken as broken:
        return [str(broken)]
    wrong = check.check(place.dir, supervisor_died=died)
    for run, state in check.states(place.dir).items():
        if state != operation.comes_to:
            wrong.append(f"run {run} is {state}, not {operation.comes_to}")
    return wrong


def strike(operation: Operation, aim: Aim, score: Score) -> tuple[bool, list[str]]:
    """True: it was reached. And the names of all calls, or failpoints, on the way."""
    place = Place()
    try:
        operation.prepare(place)
        place.aim = aim
        operation.act(place)
        hit, names = place.hit(), named(place, aim)
        if hit:
            score.kills += 1
            score.with_work += place.work_is_open()
            score.operations.add(operation.name)
        place.aim = None
        wrong = judge(operation, place, died=hit and aim.who == "supervisor")
    except Broken as broken:
        hit, names, wrong = place.hit(), named(place, aim), [str(broken)]
    finally:
        place.close()
    last = names[-1] if names else "nothing"
    where = (
        f"at {aim.point} {aim.at}" if aim.point else f"{aim.how} call {aim.at} ({last})"
    )
    score.violations += [
        f"{operation.name}, {aim.who} killed {where}: {text}" for text in wrong
    ]
    return hit, names


def count(operation: Operation, who: str, score: Score) -> int:
    """How many calls it makes when nothing happens."""
    return len(strike(operation, Aim(who), score)[1])
