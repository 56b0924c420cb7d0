"""Every order in which processes can go on, with crashes and faults of the storage between."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults.asking import End, Question, next_of
from tests.faults.memory_world import FAULTS, OF_ITS_OWN, World, ended

Program = Callable[[], Hashable]


class Process(NamedTuple):
    """Where a process is: which of its tries, and the number of its history of answers."""

    attempt: int
    history: int


class State(NamedTuple):
    """The world by its number, where each process is, and how much may yet go wrong."""

    world: int
    processes: tuple[Process, ...]
    crashes: int
    faults: int
    weeks: int


@dataclass(frozen=True)
class Scenario:
    """What is explored.

    Attributes:
        world: How it begins.
        processes: The tries of each process, with the name of the run of each: the next one begins
            where the one before has crashed.
        crashes: So many processes are killed at most, in all.
        faults: So many times the storage fails.
        weeks: So often a week passes between two steps.
    """

    world: World
    processes: Sequence[Sequence[tuple[str, Program]]]
    crashes: int = 0
    faults: int = 0
    weeks: int = 0


@dataclass
class Explored:
    """What an exploration came to: states, steps between them, and the first broken promise."""

    states: int = 0
    steps: int = 0
    whole: bool = True
    broken: str | None = None
    trace: tuple[str, ...] = ()


Promises = Callable[[World], str | None]
Outcomes = Callable[[World, str, Hashable], str | None]


@dataclass
class Explorer:
    """Goes through the states of a scenario, depth first, each once."""

    scenario: Scenario
    promises: Promises
    outcomes: Outcomes
    _worlds: dict[World, int] = field(default_factory=dict)
    _by_number: list[World] = field(default_factory=list)
    _histories: dict[tuple[int, int, int, Hashable], int] = field(default_factory=dict)
    _answers: list[tuple[Hashable, ...]] = field(default_factory=lambda: [()])
    _next: dict[tuple[int, int, int], Question | End] = field(default_factory=dict)

    def explore(self, most: int) -> Explored:
        """Go through all states, or so many at most; stop at the first broken promise."""
        found = Explored()
        first = State(
            self._number(self.scenario.world),
            tuple(Process(0, 0) for _ in self.scenario.processes),
            self.scenario.crashes,
            self.scenario.faults,
            self.scenario.weeks,
        )
        seen: dict[State, tuple[State | None, str]] = {first: (None, "")}
        checked: set[int] = set()
        stack = [first]
        while stack:
            state = stack.pop()
            broken = None
            if state.world not in checked:
                checked.add(state.world)
                broken = self.promises(self._by_number[state.world])
            for action, after, wrong in self._steps(state) if broken is None else ():
                found.steps += 1
                if after not in seen:
                    seen[after] = (state, action)
                    stack.append(after)
                    if wrong is not None:
                        broken, state = wrong, after
                        break
            if broken is not None:
                found.broken, found.trace = broken, tuple(_trace(seen, state))
                break
            if len(seen) >= most:
                found.whole = not stack
                break
        found.states = len(seen)
        return found

    def _steps(self, state: State) -> Iterator[tuple[str, State, str | None]]:
        world = self._by_number[state.world]
        for slot, process in enumerate(state.processes):
            asked = self._asked(slot, process)
            if isinstance(asked, End):
                continue
            name = self.scenario.processes[slot][process.attempt][0]
            yield self._after(state, slot, asked)
            for fault in FAULTS.get(asked.operation, ()) if state.faults else ():
                wrong = Question(fault, asked.given)
                yield self._after(state._replace(faults=state.faults - 1), slot, wrong)
            if state.crashes and process.history:
                killed = self._killed(state, slot, process, name, world)
                yield f"{name} is killed", killed, None
        if state.weeks:
            later = self._number(world._replace(week=world.week + 1))
            yield "a week passes", state._replace(world=later, weeks=state.weeks - 1), None

    def _after(self, state: State, slot: int, asked: Question) -> tuple[str, State, str | None]:
        process = state.processes[slot]
        name = self.scenario.processes[slot][process.attempt][0]
        world, text = self._by_number[state.world], f"{name}: {asked.operation.__name__}"
        while True:
            world, answer = asked.operation(world, *asked.given)
            process = Process(process.attempt, self._history(slot, process, answer))
            following = self._asked(slot, process)
            if isinstance(following, End) or following.operation not in OF_ITS_OWN:
                break
            asked = following
        wrong = None
        if isinstance(following, End):
            text += f", and ends: {following.outcome}"
            world, _ = ended(world, name)
            wrong = self.outcomes(world, name, following.outcome)
        processes = (*state.processes[:slot], process, *state.processes[slot + 1 :])
        return text, state._replace(world=self._number(world), processes=processes), wrong

    def _killed(self, state: State, slot: int, process: Process, name: str, world: World) -> State:
        """The process is gone; its next try, if it has one, begins whenever it likes."""
        after = Process(process.attempt + 1, 0)
        processes = (*state.processes[:slot], after, *state.processes[slot + 1 :])
        number = self._number(ended(world, name)[0])
        return state._replace(world=number, processes=processes, crashes=state.crashes - 1)

    def _asked(self, slot: int, process: Process) -> Question | End:
        tries = self.scenario.processes[slot]
        if process.attempt == len(tries):
            return End("killed")
        key = (slot, *process)
        if key not in self._next:
            program = tries[process.attempt][1]
            self._next[key] = next_of(program, self._answers[process.history])
        return self._next[key]

    def _history(self, slot: int, process: Process, answer: Hashable) -> int:
        key = (slot, *process, answer)
        if key not in self._histories:
            self._histories[key] = len(self._answers)
            self._answers.append((*self._answers[process.history], answer))
        return self._histories[key]

    def _number(self, world: World) -> int:
        number = self._worlds.setdefault(world, len(self._by_number))
        if number == len(self._by_number):
            self._by_number.append(world)
        return number


def _trace(seen: dict[State, tuple[State | None, str]], state: State) -> list[str]:
    found: list[str] = []
    at: State | None = state
    while at is not None:
        at, action = seen[at]
        found.append(action)
    return found[-2::-1]
