"""python -m demo [--purchases N] [--file CSV] [--seed N] [--kills N]. See demo/__init__.py."""

import argparse
import random
import sys
import time
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.killer import Killer
from demo.presses import Customers, Presses, UnexpectedAnswerError, paced
from demo.purchases import BrokenFileError, Summary, read, summarise
from demo.reconciliation import Line, compare_payments, count_invoiced, count_open, reconcile
from stack import Stack, StackError
from stack.interrupts import interrupt_on_signals

SAMPLE = Path(__file__).parent / "cdnow_sample.csv"
#: The gateway lies now and then: it charges and does not answer, or fails before it charges.
FAULTS = {"timeout_after_commit": 0.005, "fail_before": 0.005}
#: Nothing new invoiced for this long: something is lost.
STALL_SECONDS = 90.0


def main() -> int:
    """Run the demo; 0 only when the proof holds, 2 for a file that cannot be replayed."""
    options = _options()
    console = Console(soft_wrap=True)
    interrupt_on_signals()
    try:
        bought = summarise(options.file, limit=options.purchases)
        return _run(console, options, bought)
    except BrokenFileError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except (StackError, UnexpectedAnswerError, TimeoutError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; everything it started has ended", file=sys.stderr)
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo")
    parser.add_argument("--file", type=Path, default=SAMPLE, help="purchases to replay")
    parser.add_argument("--purchases", type=int, help="only the first so many")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the kills")
    parser.add_argument("--kills", type=int, default=12, help="how many processes are killed (at least five)")
    parser.add_argument("--folder", default="demo", help="name below .stack")
    options = parser.parse_args()
    if options.purchases is not None and options.purchases < 1:
        parser.error(f"--purchases is {options.purchases}: at least 1 is needed")
    return options


def _run(console: Console, options: argparse.Namespace, bought: Summary) -> int:
    console.print(
        f"{bought.purchases:,} purchases, {bought.cents / 100:,.2f} USD, {bought.free} of them free; starting ..."
    )
    with Stack(options.folder, fresh=True) as stack:
        console.print(f"{', '.join(stack.versions.values())}; preparing databases and topics ...")
        stack.prepare()
        stack.start_processes()
        stack.wait_until_healthy()
        _let_the_gateway_lie(stack)
        started = time.monotonic()
        console.print(f"every button is pressed twice, {options.kills} processes are killed (--seed {options.seed})")
        killer = Killer(stack, seed=options.seed, kills=options.kills, purchases=bought.purchases)
        with _progress(console) as progress:
            try:
                presses = _replay(progress, stack, options, bought, killer)
                killer.finish()
            except BaseException:
                killer.abandon()
                raise
            _wait_for_invoices(progress, stack, bought)
        compared, said = compare_payments(stack.environment)
        lines = [*reconcile(stack.environment, bought), compared]
    console.print(said, markup=False, highlight=False)
    _show(console, lines, presses, killer, time.monotonic() - started)
    return 0 if all(line.holds for line in lines) and killer.killed.total() >= options.kills else 1


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _replay(progress: Progress, stack: Stack, options: argparse.Namespace, bought: Summary, killer: Killer) -> Presses:
    task = progress.add_task("pressed", total=bought.purchases)

    def after_each() -> None:
        progress.advance(task)
        killer.advance(int(progress.tasks[task].completed))

    customers = Customers(stack.environment["PAYMENTS_URL"], token=stack.environment["API_TOKEN"])
    purchases = read(options.file, limit=options.purchases)
    return customers.press_all(
        paced(purchases, count_open=partial(count_open, stack.environment)), after_each=after_each
    )


def _wait_for_invoices(progress: Progress, stack: Stack, bought: Summary) -> None:
    """Wait until every payment knows its invoice. Raises TimeoutError when nothing moves any more."""
    task: TaskID = progress.add_task("invoiced", total=bought.purchases)
    invoiced, moved_at = 0, time.monotonic()
    while invoiced < bought.purchases:
        now = count_invoiced(stack.environment)
        if now > invoiced:
            invoiced, moved_at = now, time.monotonic()
        if time.monotonic() - moved_at > STALL_SECONDS:
            raise TimeoutError(f"{invoiced} of {bought.purchases} invoiced, nothing new for {STALL_SECONDS:.0f} s")
        progress.update(task, completed=invoiced)
        time.sleep(0.5)


def _let_the_gateway_lie(stack: Stack) -> None:
    gateway, key = stack.environment["GATEWAY_URL"], stack.environment["GATEWAY_API_KEY"]
    httpx.put(f"{gateway}/_faults", json=FAULTS, headers={"Authorization": f"Bearer {key}"}).raise_for_status()


def _show(console: Console, lines: list[Line], presses: Presses, killer: Killer, seconds: float) -> None:
    table = Table("", "found", "expected", "", title="Reconciliation", title_justify="left")
    for line in lines:
        mark = "" if line.expected is None else "ok" if line.holds else "[bold red]WRONG[/]"
        table.add_row(line.what, f"{line.found:,}", "" if line.expected is None else f"{line.expected:,}", mark)
    for column in table.columns[1:3]:
        column.justify = "right"
    console.print(table)
    killed = ", ".join(f"{count} {name}" for name, count in sorted(killer.killed.items()))
    console.print(
        f"presses: {presses.fresh:,} new, {presses.replayed:,} replayed, {presses.in_progress:,} asked to wait"
    )
    console.print(f"killed:  {killer.killed.total()} ({killed})")
    verdict = "The cents agree." if all(line.holds for line in lines) else "[bold red]The proof does NOT hold.[/]"
    console.print(f"{verdict} {seconds:.0f} s after set-up.")


if __name__ == "__main__":
    raise SystemExit(main())
