-- How was the predictor trained, seed by seed?
-- by predictor_trained: seed
SELECT seed, len(features)::BIGINT AS features, array_to_string(hidden, ', ') AS hidden, dropout, samples,
    epochs, loss, train_s, file, sha256, torch_version
FROM predictor_trained
ORDER BY seed
