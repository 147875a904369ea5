"""The write side's table of contents: which function carries out which command."""

from collections.abc import Callable
from typing import Any, Final

from ingest.handlers.api_keys import create_key, revoke_key, touch_keys
from ingest.handlers.backfills import (
    cancel_backfill,
    pause_backfill,
    plan_backfill,
    resume_backfill,
    start_backfill,
)
from ingest.handlers.delete_account import delete_account
from ingest.handlers.fetch_query import fetch_query
from ingest.handlers.fetch_topic import fetch_topic
from ingest.handlers.preferences import remove_preference, set_preference
from ingest.handlers.quarantine import drop_quarantine, replay_quarantine
from ingest.handlers.rescore import rescore_sentiment
from ingest.handlers.retention import apply_retention, recheck_reddit
from ingest.handlers.run_slice import run_slice
from ingest.handlers.saved import edit_saved, remove_saved, save_article
from ingest.handlers.searches import delete_searches, record_searches
from ingest.handlers.sessions import end_session, refresh_session
from ingest.handlers.sign_in import exchange_code
from ingest.handlers.tidy_people import tidy_people
from ingest.handlers.topics import add_topic, pause_topic
from ingest.ports import Ports
from shared import commands
from shared.commands import Command

# handler(command, ports, command_id); a command may be delivered twice, so each handler is safe to repeat.
Handler = Callable[[Any, Ports, str], None]

HANDLERS: Final[dict[type[Command], Handler]] = {
    commands.FetchQuery: fetch_query,
    commands.FetchTopic: fetch_topic,
    commands.RecordSearches: record_searches,
    commands.ExchangeCode: exchange_code,
    commands.RefreshSession: refresh_session,
    commands.EndSession: end_session,
    commands.SaveArticle: save_article,
    commands.EditSaved: edit_saved,
    commands.RemoveSaved: remove_saved,
    commands.SetPreference: set_preference,
    commands.RemovePreference: remove_preference,
    commands.DeleteSearches: delete_searches,
    commands.CreateKey: create_key,
    commands.RevokeKey: revoke_key,
    commands.DeleteAccount: delete_account,
    commands.TouchKeys: touch_keys,
    commands.TidyPeople: tidy_people,
    commands.PlanBackfill: plan_backfill,
    commands.StartBackfill: start_backfill,
    commands.PauseBackfill: pause_backfill,
    commands.ResumeBackfill: resume_backfill,
    commands.CancelBackfill: cancel_backfill,
    commands.RunSlice: run_slice,
    commands.AddTopic: add_topic,
    commands.PauseTopic: pause_topic,
    commands.ReplayQuarantine: replay_quarantine,
    commands.DropQuarantine: drop_quarantine,
    commands.RescoreSentiment: rescore_sentiment,
    commands.ApplyRetention: apply_retention,
    commands.RecheckReddit: recheck_reddit,
}
