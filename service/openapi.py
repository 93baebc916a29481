"""The OpenAPI document of the HTTP API, drawn from the table of commands; additions only."""

from __future__ import annotations

import inspect
from typing import Any

from service.commands import COMMANDS, LOCAL_ONLY, load

LISTS = ("results", "alerts", "sites", "models", "reports", "receipts", "quarantine", "requests")


def document() -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/api/v1/sites/{site}/batches": {"post": _batches()},
        "/api/v1/sites/{site}/events/kserve": {"post": _kserve_events()},
        "/api/v1/sites/{site}/events/azureml": {"post": _azureml_events()},
        "/api/v1/health": {"get": _plain("Whether the process answers.")},
        "/api/v1/ready": {"get": _plain("Whether the hub's file answers.")},
        "/api/v1/metrics": {"get": _plain("Prometheus' text format.")},
    }
    for name in LISTS:
        paths[f"/api/v1/{name}"] = {"get": _plain(f"The {name} that the caller may read, under the key `{name}`.")}
    for name in sorted(set(COMMANDS) - LOCAL_ONLY):
        paths[f"/api/v1/commands/{name}"] = {"post": _command(name)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bailiwick", "version": "1", "description": "Governance of models that run at many sites."},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": paths,
    }


def _azureml_events() -> dict[str, Any]:
    return {
        "summary": "Takes one post of Azure ML's collector (`ce-*` headers, rows as a JSON list). `/modeldata/log` "
        "takes the same, with SITE/MODEL and the token as HTTP Basic.",
        "parameters": [
            {"name": "site", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "model", "in": "query", "required": False, "schema": {"type": "string"}},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "array"}}}},
        "responses": {
            "201": {"description": "the receipt, as a list of one"},
            "200": {"description": "the receipt of the same event, repeated"},
            "202": {"description": "kept aside: nobody added that model or version"},
        },
    }


def _plain(summary: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {"200": {"description": "done"}, "401": {"description": "who asks is not known"}},
    }


def _batches() -> dict[str, Any]:
    query = [
        {"name": name, "in": "query", "schema": {"type": "string"}, "required": False}
        for name in ("model", "kind", "format", "option")
    ]
    return {
        "summary": "Takes one batch; the same bytes again give the same receipt.",
        "parameters": [{"name": "site", "in": "path", "required": True, "schema": {"type": "string"}}, *query],
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        "responses": {
            "201": {"description": "the receipt"},
            "200": {"description": "the receipt of the same batch, repeated"},
            "202": {"description": "kept aside: it names a model or version that nobody added"},
        },
    }


def _kserve_events() -> dict[str, Any]:
    query = [
        {"name": name, "in": "query", "schema": {"type": "string"}, "required": False} for name in ("model", "token")
    ]
    kinds = ("application/json", "application/octet-stream", "application/cloudevents+json")
    return {
        "summary": "Takes CloudEvents of KServe's inference logger: binary, structured, or a batch of them.",
        "parameters": [{"name": "site", "in": "path", "required": True, "schema": {"type": "string"}}, *query],
        "requestBody": {
            "required": True,
            "content": {kind: {} for kind in (*kinds, "application/cloudevents-batch+json")},
        },
        "responses": {
            "201": {"description": "a receipt for each inference service"},
            "200": {"description": "every event was there already"},
            "202": {"description": "some name a model that nobody added, and are kept aside until somebody does"},
            "400": {"description": "what came is no event of the logger; nothing was kept"},
        },
    }


def _command(name: str) -> dict[str, Any]:
    command = load(name)
    wanted = [p for p in inspect.signature(command).parameters.values() if p.kind is p.KEYWORD_ONLY]
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            p.name: {"type": "boolean" if str(p.annotation).startswith("bool") else "string"} for p in wanted
        },
        "required": [p.name for p in wanted if p.default is p.empty],
    }
    return {
        "summary": (inspect.getdoc(command) or name).splitlines()[0],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": {"description": "what was done"},
            "403": {"description": "not permitted"},
            "409": {"description": "refused"},
            "507": {"description": "the hub's disk is full or read-only; nothing was recorded"},
        },
    }
