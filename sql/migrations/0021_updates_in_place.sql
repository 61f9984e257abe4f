-- An attempt is written when it begins and again when it ends. Without an index on its state, and with
-- room on its page, the second write touches no index.
drop index audit.task_runs_running;
alter table audit.task_runs set (fillfactor = 70);
