-- What was recorded or became known since an instant is found without a walk over all labels.
CREATE INDEX label_recorded ON label (model, recorded_at, known_at, subject_kind, subject);
CREATE INDEX label_known ON label (model, known_at);
