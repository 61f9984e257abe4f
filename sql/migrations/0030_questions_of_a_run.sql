-- One row a question: an execution asks anew when it is cleared and finds another delivery. What was
-- answered before stays.
alter table audit.held_days drop constraint held_days_pkey;
alter table audit.held_days add primary key (run_id, fingerprint);
