"""Every bad morning of the runbook is exercised by a test, and its commands are there."""

import re
import subprocess

import pytest
from click.testing import CliRunner

from orchestration.cli import cli
from orchestration.settings import PROJECT_DIR

# Heading → the tests that live through it.
EXERCISED_BY = {
    "The build failed": ["test_run.test_a_failed_build_publishes_nothing_and_names_the_test_its"],
    "What was published is wrong": [
        "test_publish.test_rollback_goes_to_the_version_before_or_to_the_one_named",
        "test_jobs.test_decisions_are_made_from_the_ui_and_ask_for_the_build_they_need",
    ],
    "The published file is damaged": [
        "test_publish.test_a_damaged_version_is_told_and_published_anew",
        "test_publish.test_publishing_notices_a_damaged_version_and_writes_it_whole",
    ],
    "A file was discarded": ["test_run.test_the_first_run_publishes_and_accounts_for_every_file"],
    "A discarded file is right, its contract or a lookup was wrong": [
        "test_reprocess.test_after_the_cause_was_mended_it_is_loaded_and_both_deliveries_stand",
        "test_jobs.test_decisions_are_made_from_the_ui_and_ask_for_the_build_they_need",
    ],
    "A batch is held, or waits": ["test_run.test_a_held_batch_can_be_released_by_name"],
    "Alert: batch held, batch late": [
        "test_alerts.test_a_held_batch_is_told_once_with_its_figures_and_the_command",
        "test_alerts.test_a_late_batch_is_told_once",
    ],
    "Alert: circuit breaker open": [
        "test_breaker.test_what_is_far_off_is_withheld_and_the_rest_is_published_until_it_is"
    ],
    "Alert: feed late": ["test_alerts.test_a_late_feed_is_told_once_and_again_when_it_has"],
    "Alert: run failed": ["test_alerts.test_the_sensor_tells_of_a_failed_run_once_and_sends_what"],
    "Alerts do not arrive": [
        "test_alerts.test_what_a_server_refuses_is_kept_and_sent_at_the_next_occasion"
    ],
    "A file or a batch was wrong, and it is loaded": [
        "test_run.test_a_file_can_be_taken_back_and_restored_by_name",
        "test_retract.test_restore_undoes_it",
    ],
    "Rows are in quarantine": ["test_incremental.test_a_new_order_leaves_the_others_where_they"],
    "A value is wrong at the source and nobody sends a correction": [
        "test_patches.test_patched_rows_come_back_as_if_so_delivered"
    ],
    "The run says that another run is writing": [
        "test_run.test_a_second_writer_waits_and_says_for_whom",
        "test_overlapping.test_fifty_starts_take_turns_and_readers_see_whole_builds_that_passed",
    ],
    "The machine went down in the middle of a run": [
        "test_crash_matrix.test_the_next_run_ends_as_if_nothing_had_happened"
    ],
    "The disk was full, or another program held the warehouse": [
        "test_retries.test_what_passes_by_itself_is_tried_again_and_goes_on_where_it_was"
    ],
    "The warehouse file is lost or damaged": [
        "test_load.test_a_lost_or_damaged_warehouse_is_refused_until_its_files_came_again"
    ],
    "Nothing is loaded by itself any more": [
        "test_up.test_three_files_of_two_feeds_are_one_run_from_landing_to_published_gold",
        "test_automation.test_it_asks_again_after_a_failed_run_with_a_growing_pause",
    ],
    "The night says that the working copy does not pass": [
        "test_jobs.test_the_night_finds_what_no_build_looked_at_and_expires_what_is_old"
    ],
    "The disk fills up": [
        "test_jobs.test_old_runs_are_deleted_with_their_events_and_files",
        "test_publish.test_old_versions_expire_but_not_what_readers_see_nor_the_way_back",
    ],
    "There is no forecast, or an old one": [
        "test_forecast.test_a_forecast_per_category_and_measure_and_a_reason_where_there_is_none"
    ],
    "A newer Orderhouse is at hand": [
        "test_incremental.test_a_change_of_the_code_builds_everything_whole"
    ],
    "Somebody asks to be forgotten": ["test_erasure.test_no_byte_of_the_person_is_left"],
    "A provider changes its files, or sends no more": [
        "test_contract_changes.test_a_renamed_column_keeps_its_rows",
        "test_contract_changes.test_a_column_has_what_was_delivered_before_its_contract_knew_it",
        "test_dbt_alone.test_what_no_model_makes_any_more_is_dropped",
    ],
    "A column turns out to be personal": [
        "test_contract_changes.test_what_is_marked_personal_is_hidden_wherever_it_stood"
    ],
    "Stewards cannot open their file, or analysts see too much": [
        "test_publish.test_analysts_may_read_and_stewards_files_are_closed_whatever_the_umask",
        "test_publish.test_the_stewards_group_may_read_what_is_theirs",
    ],
    "The dashboard shows nothing, or yesterday": [
        "test_dashboard.test_before_the_first_build_and_of_a_damaged_file_it_says_what_to_do",
        "test_dashboard.test_a_newer_version_is_seen_without_a_reload",
    ],
    "Something looks wrong that no build finds": [
        "test_run.test_a_second_run_loads_nothing_and_a_forced_one_changes_no_gold_row"
    ],
    "A day's figures are not what they were yesterday": [
        "test_incremental.test_a_restated_day_is_marked_and_logged_with_its_old_and_new_amounts"
    ],
    "The numbers do not change although the code did": [
        "test_run.test_a_second_run_loads_nothing_and_a_forced_one_changes_no_gold_row"
    ],
    "The key file is lost": [
        "test_incremental.test_another_key_of_the_hashes_builds_everything_whole",
        "test_privacy.test_a_key_that_is_lost_is_made_anew_on_purpose_alone",
    ],
}


@pytest.fixture(scope="module")
def runbook() -> str:
    return (PROJECT_DIR / "docs" / "runbook.md").read_text(encoding="utf-8")


def test_every_bad_morning_has_a_test_that_there_is(runbook):
    assert set(re.findall(r"^## (.+)$", runbook, re.MULTILINE)) == set(EXERCISED_BY)
    for test in {test for tests in EXERCISED_BY.values() for test in tests}:
        module, _, function = test.partition(".")
        source = (PROJECT_DIR / "tests" / "python" / f"{module}.py").read_text(encoding="utf-8")
        assert f"\ndef {function}" in source, test


def test_every_command_of_the_runbook_is_there(runbook):
    indented = "\n".join(line for line in runbook.splitlines() if line.startswith("    "))
    for command in set(re.findall(r"\borchestration ([a-z-]+)", indented)):
        assert CliRunner().invoke(cli, [command, "--help"]).exit_code == 0, command
    for target in set(re.findall(r"\bmake ([a-z-]+)", indented)):
        dry = subprocess.run(
            ["make", "--dry-run", "--question", "--old-file=.venv/.installed", target],
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
        )
        assert "No rule" not in dry.stderr, target
