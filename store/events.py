"""What can happen, by name: one tag per kind of audit event, `subject:object:action`, in alphabetical order.

Each write transaction appends exactly one leaf with one of these tags. docs/events.md tells what each one means.
"""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    ALERT_TRIAGE_CHANGED = "alert:triage:changed"
    ASIDE_BATCH_KEPT = "aside:batch:kept"
    ASIDE_BATCH_TAKEN = "aside:batch:taken"
    BATCH_ROWS_ACCEPTED = "batch:rows:accepted"
    BATCH_SUMMARIES_ACCEPTED = "batch:summaries:accepted"
    HUB_FILE_CREATED = "hub:file:created"
    HUB_FILE_RESTORED = "hub:file:restored"
    MODEL_BINS_FROZEN = "model:bins:frozen"
    MODEL_FILE_ADDED = "model:file:added"
    MODEL_FILE_REVISED = "model:file:revised"
    MODEL_VERSION_TRAINED = "model:version:trained"
    MONITOR_RUN_RECORDED = "monitor:run:recorded"
    PRIVACY_SPEND_CHARGED = "privacy:spend:charged"
    PRIVACY_SPEND_RELEASED = "privacy:spend:released"
    PULL_VISIT_RECORDED = "pull:visit:recorded"
    QUARANTINE_BATCH_RETRIED = "quarantine:batch:retried"
    REPORT_CONTROL_DECLARED = "report:control:declared"
    REPORT_FILE_BUILT = "report:file:built"
    REPORT_FILE_ISSUED = "report:file:issued"
    REPORT_STEP_TAKEN = "report:step:taken"
    RETRAIN_REQUEST_APPROVED = "retrain:request:approved"
    RETRAIN_REQUEST_FILED = "retrain:request:filed"
    RETRAIN_REQUEST_REJECTED = "retrain:request:rejected"
    RETRAIN_RUN_FINISHED = "retrain:run:finished"
    RETRAIN_RUN_STARTED = "retrain:run:started"
    SITE_RECORD_ADDED = "site:record:added"
    SITE_TOKEN_ISSUED = "site:token:issued"
    TRAIL_CHECKPOINT_ANCHORED = "trail:checkpoint:anchored"
    TRAIL_CHECKPOINT_MADE = "trail:checkpoint:made"
    TRAIL_FILE_EXPORTED = "trail:file:exported"
    TRAIL_KEY_ROTATED = "trail:key:rotated"
    USER_RECORD_CHANGED = "user:record:changed"
