-- What people call an instance of a mapped task; its index is in the task_id.
alter table audit.task_runs
add column display_name text;
