-- When an attempt ended whose end was not written is not known.
update audit.task_runs set ended_at = null where error = 'its end was not written';
