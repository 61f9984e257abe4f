-- Whether tasks of the run that depend on their past look at it; the first run of a backfill does not,
-- nor does a run that goes on from it.
alter table audit.pipeline_runs add column ignores_past boolean not null default false;

-- Asked at every start of a run.
create index slot_requests_by_execution on audit.slot_requests (workflow_id);
